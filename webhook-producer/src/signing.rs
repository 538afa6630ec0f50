//! The headers a payload is signed with: those of every scheme, so that each consumer verifies the
//! strongest it knows.

use crate::key::SigningKey;
use crate::outside::{CallError, Log, Message, Phase, Signer};

/// The signature headers of `message` under `key`.
///
/// # Errors
///
/// Says only that signing failed. What the component said goes to the log, with the key taken out
/// of it should it be in there.
pub fn headers(
    outside: &(impl Signer + Log),
    message: &Message<'_>,
    key: &SigningKey,
) -> Result<Vec<(String, String)>, CallError> {
    outside.sign(message, key).map_err(|reason| {
        let reason = reason.replace(key.text(), "[key]");
        outside.log(&format!("PRODUCER: Signing failed: {reason}"));
        CallError::new(Phase::Plan, "the payload could not be signed")
    })
}
