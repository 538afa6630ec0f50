//! Taking a delivery.

use webhook_receiver::{
    Answer, Log, Platform, Processed, Received, Refusal, Registration, Request, receive,
};

/// The text of the answer to a delivery that was verified.
pub const VERIFIED: &str = "Received payload and verified integrity";

/// The text of the answer to a delivery whose `webhook-id` was processed before.
pub const SEEN: &str = "Received payload before and verified integrity";

/// Verifies the delivery. There is nothing to be done with it that could fail.
pub fn accept(
    request: &mut impl Request,
    registration: &Registration,
    platform: &impl Platform,
    log: &mut Log,
) -> Result<Answer, Refusal> {
    let received = receive(request, registration, platform, log, |_, _| {
        Processed::Done(())
    })?;
    Ok(Answer::text(match received {
        Received::Processed(()) => VERIFIED,
        Received::Seen => SEEN,
    }))
}
