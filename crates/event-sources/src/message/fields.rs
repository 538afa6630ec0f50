//! The fields of an event.

use bytes::Bytes;

/// The fields of an event, by their names.
pub(super) type Fields = Vec<(Bytes, Bytes)>;

/// Returns a field of an event.
pub(super) fn field(name: &'static str, value: impl AsRef<[u8]>) -> (Bytes, Bytes) {
    (
        Bytes::from_static(name.as_bytes()),
        Bytes::copy_from_slice(value.as_ref()),
    )
}
