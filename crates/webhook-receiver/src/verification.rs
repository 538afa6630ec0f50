//! Whether a request is vouched for by a key in use.

use crate::{
    Claim, Headers, Log, Platform, PlatformError, Refusal, Registration, Unverified, Verified,
    hint, keys,
};

/// Refuses what the headers alone rule out, before the body is read or a store is asked.
///
/// Without keys nothing is hashed and nothing matches, so that a mismatch is the one refusal that
/// says nothing yet.
pub(crate) fn judge_headers(platform: &impl Platform, claim: Claim<'_>) -> Result<(), Refusal> {
    match platform.verify(&[], Claim { body: &[], ..claim }) {
        Err(unverified) if !is_mismatch(&unverified) => {
            Err(hint::add(unverified, claim.headers).into())
        }
        _ => Ok(()),
    }
}

/// Verifies under the key of the last handshake, and where that does not match, under those that
/// it replaced. The scheme is the same each time: it is the strongest that the request carries.
pub(crate) fn verify(
    platform: &impl Platform,
    registration: &Registration,
    claim: Claim<'_>,
    log: &mut Log,
) -> Result<Verified, Refusal> {
    let key = keys::current(platform, registration)?.ok_or(Refusal::NoKey)?;
    let fingerprint = platform.fingerprint(&key).map_err(Refusal::StoredKey)?;
    let origin = platform.origin();
    log.line(format!("Loaded key data from {origin}: key {fingerprint}"));
    match platform.verify(&[&key], claim) {
        Err(unverified) if is_mismatch(&unverified) => {
            verify_retired(platform, registration, claim, log)?.ok_or(unverified.into())
        }
        verdict => Ok(verdict?),
    }
}

fn verify_retired(
    platform: &impl Platform,
    registration: &Registration,
    claim: Claim<'_>,
    log: &mut Log,
) -> Result<Option<Verified>, PlatformError> {
    for key in keys::retired(platform, registration, claim.now)? {
        if let Ok(verified) = platform.verify(&[&key], claim) {
            let fingerprint = platform.fingerprint(&key).unwrap_or_default();
            log.line(format!("It is signed with the replaced key {fingerprint}"));
            return Ok(Some(verified));
        }
    }
    Ok(None)
}

fn is_mismatch(unverified: &Unverified) -> bool {
    matches!(
        unverified,
        Unverified::Refused {
            code: "no-match",
            ..
        }
    )
}

/// What is verified before there is a body.
pub(crate) fn claim_of<'a>(
    headers: &'a Headers,
    settings: &crate::Settings,
    now: u64,
) -> Claim<'a> {
    Claim {
        headers,
        body: &[],
        now,
        tolerance: settings.tolerance,
        weakest: settings.weakest,
    }
}
