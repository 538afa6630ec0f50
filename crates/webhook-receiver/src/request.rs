//! The interface of a request.

use crate::{BodyError, Headers};

/// A request whose parts are fetched only when they are needed.
pub trait Request {
    /// Returns the method, in upper case as on the wire.
    fn method(&self) -> String;

    /// Returns path and query as on the wire: `/target?handshake=true`.
    fn target(&self) -> String;

    /// Returns every header in the order of the request; repeated names are repeated.
    fn headers(&self) -> Headers;

    /// Reads the raw body, up to `limit` bytes. Called at most once.
    fn body(&mut self, limit: usize) -> Result<Vec<u8>, BodyError>;
}
