//! The signature headers of a payload: those of every scheme, so that each consumer can verify the
//! strongest that it supports.

use crate::key::SigningKey;
use crate::platform::{CallError, Log, Message, Phase, Signer};

/// Returns the signature headers of `message` under `key`.
///
/// # Errors
///
/// Returns an error without a reason. The component's message is logged, with the key removed in case
/// it contains the key.
pub fn headers(
    platform: &(impl Signer + Log),
    message: &Message<'_>,
    key: &SigningKey,
) -> Result<Vec<(String, String)>, CallError> {
    platform.sign(message, key).map_err(|reason| {
        let reason = reason.replace(key.text(), "[key]");
        platform.log(&format!("PRODUCER: Signing failed: {reason}"));
        CallError::new(Phase::Plan, "the payload could not be signed")
    })
}
