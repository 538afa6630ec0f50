//! An entry of a queue.

/// An entry to publish. `id` identifies it at sources that give entries no identity of their own.
pub struct Entry<'a> {
    pub tenant: &'a str,
    pub id: String,
    pub data: &'a [u8],
}
