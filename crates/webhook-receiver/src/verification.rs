//! Verification of a request under the keys in use.

use crate::{
    Headers, Log, Platform, PlatformError, Refusal, Registration, Verified, VerifyError,
    VerifyInput, hint, keys,
};

/// Refuses a request whose headers alone rule it out, before the body is read or a store is asked.
///
/// Without keys nothing is hashed and nothing matches, so a mismatch is the one error that means
/// nothing yet.
pub(crate) fn check_headers(
    platform: &impl Platform,
    input: VerifyInput<'_>,
) -> Result<(), Refusal> {
    match platform.verify(&[], VerifyInput { body: &[], ..input }) {
        Err(error) if !is_mismatch(&error) => Err(hint::add(error, input.headers).into()),
        _ => Ok(()),
    }
}

/// Verifies under the key of the last handshake, and if that does not match, under the replaced
/// ones. The scheme is the same each time: the strongest that the request has.
pub(crate) fn verify(
    platform: &impl Platform,
    registration: &Registration,
    input: VerifyInput<'_>,
    log: &mut Log,
) -> Result<Verified, Refusal> {
    let key = keys::current(platform, registration)?.ok_or(Refusal::NoKey)?;
    let fingerprint = platform.fingerprint(&key).map_err(Refusal::StoredKey)?;
    let origin = platform.origin();
    log.line(format!("Loaded key data from {origin}: key {fingerprint}"));
    match platform.verify(&[&key], input) {
        Err(error) if is_mismatch(&error) => {
            verify_retired(platform, registration, input, log)?.ok_or(error.into())
        }
        result => Ok(result?),
    }
}

fn verify_retired(
    platform: &impl Platform,
    registration: &Registration,
    input: VerifyInput<'_>,
    log: &mut Log,
) -> Result<Option<Verified>, PlatformError> {
    for key in keys::retired(platform, registration, input.now)? {
        if let Ok(verified) = platform.verify(&[&key], input) {
            let fingerprint = platform.fingerprint(&key).unwrap_or_default();
            log.line(format!("Signed with the replaced key {fingerprint}"));
            return Ok(Some(verified));
        }
    }
    Ok(None)
}

fn is_mismatch(error: &VerifyError) -> bool {
    matches!(
        error,
        VerifyError::Refused {
            code: "no-match",
            ..
        }
    )
}

/// Returns the input of a verification without a body.
pub(crate) fn input_of<'a>(
    headers: &'a Headers,
    settings: &crate::Settings,
    now: u64,
) -> VerifyInput<'a> {
    VerifyInput {
        headers,
        body: &[],
        now,
        tolerance: settings.tolerance,
        weakest: settings.weakest,
    }
}
