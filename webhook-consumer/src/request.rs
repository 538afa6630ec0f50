//! What the consumer asks of a request.

use crate::BodyError;

/// A request, of which each part is fetched only when it is asked for.
pub trait Request {
    /// The method, in upper case as on the wire.
    fn method(&self) -> String;

    /// Path and query as on the wire: `/target?handshake=true`.
    fn target(&self) -> String;

    /// The values of every header of this name, in the order they came. The name's case does not
    /// matter.
    fn header(&self, name: &str) -> Vec<Vec<u8>>;

    /// The raw body, read no further than `limit` bytes. Called once at most.
    fn body(&mut self, limit: usize) -> Result<Vec<u8>, BodyError>;
}
