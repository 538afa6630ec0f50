//! Taking a delivery.

use crate::key::Key;
use crate::limits::DELIVERY_BYTES;
use crate::verification::Claim;
use crate::{Answer, Log, Platform, Refusal, Request};

/// The text of the answer to a delivery that was verified.
pub const VERIFIED: &str = "Received payload and verified integrity";

/// Verifies the delivery. One read of the store, and none where the headers alone rule it out.
pub fn accept(
    request: &mut impl Request,
    platform: &impl Platform,
    log: &mut Log,
) -> Result<Answer, Refusal> {
    let claim = Claim::of(request)?;
    log.line(format!("Received tag {}", claim.tag()));
    let body = request.body(DELIVERY_BYTES)?;
    let key = Key::from_store(platform.load_key()?.ok_or(Refusal::NoKey)?);
    log.line(format!(
        "Loaded key data from key-value store: key {}",
        key.fingerprint()
    ));
    verify(&claim, &body, &key, platform, log)?;
    Ok(Answer::text(VERIFIED))
}

fn verify(
    claim: &Claim,
    body: &[u8],
    key: &Key,
    platform: &impl Platform,
    log: &mut Log,
) -> Result<(), Refusal> {
    log.line("Verifying integrity of payload received from PRODUCER...");
    let holds = claim.holds(body, key, platform);
    log.rule();
    log.line(format!("Payload verification result: {holds}"));
    log.rule();
    if holds { Ok(()) } else { Err(Refusal::NoMatch) }
}
