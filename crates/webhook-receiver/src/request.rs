//! What is asked of a request.

use crate::{BodyError, Headers};

/// A request, of which each part is fetched only when it is asked for.
pub trait Request {
    /// The method, in upper case as on the wire.
    fn method(&self) -> String;

    /// Path and query as on the wire: `/target?handshake=true`.
    fn target(&self) -> String;

    /// Every header in the order they came, a name that came twice twice.
    fn headers(&self) -> Headers;

    /// The raw body, read no further than `limit` bytes. Called once at most.
    fn body(&mut self, limit: usize) -> Result<Vec<u8>, BodyError>;
}
