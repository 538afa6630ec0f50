//! The headers a payload is signed with. A further scheme is one more entry here.

use crate::key::SigningKey;
use crate::outside::{CallError, Log, Phase, Signer};

/// Scheme `plain`: the tag of the raw body, in upper-case hexadecimal.
const PLAIN: &str = "x-signature";

/// The signature headers of `body` under `key`.
///
/// # Errors
///
/// Says only that signing failed. What the component said goes to the log, with the key taken out
/// of it should it be in there.
pub fn headers(
    outside: &(impl Signer + Log),
    body: &[u8],
    key: &SigningKey,
) -> Result<Vec<(&'static str, String)>, CallError> {
    let plain = outside.sign(body, key).map_err(|reason| {
        let reason = reason.replace(key.text(), "[key]");
        outside.log(&format!("PRODUCER: Signing failed: {reason}"));
        CallError::new(Phase::Plan, "the payload could not be signed")
    })?;
    Ok(vec![(PLAIN, plain)])
}
