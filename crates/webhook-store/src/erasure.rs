//! The erasure of an event's payload.

use webhook_model::Rejected;

/// The result of an erasure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// The number of deliveries that are not attempted any more: they became dead letters, or will, if
    /// their current attempt fails.
    pub deliveries: u64,
}

/// The fields of a rejected event that are not its payload.
const KEPT: [&[u8]; 4] = [b"id", b"type", b"tenant", b"timestamp"];

/// Removes the payload of a rejected event: all fields that it does not need to be identified, and the
/// reason, which may quote them.
pub(crate) fn erase_rejected(rejected: &mut Rejected) {
    rejected
        .fields
        .retain(|(name, _)| KEPT.contains(&&name.bytes()[..]));
    rejected.reason = ERASED.into();
}

/// The reason of what was erased.
pub(crate) const ERASED: &str = "erased";
