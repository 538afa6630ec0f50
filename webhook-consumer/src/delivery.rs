//! The handling of a delivery.

use webhook_receiver::{
    Log, Platform, Processed, Received, Refusal, Registration, Request, Response, receive,
};

/// The body of the response to a delivery that was verified.
pub const VERIFIED: &str = "Received payload and verified integrity";

/// The body of the response to a delivery whose `webhook-id` was processed before.
pub const DUPLICATE: &str = "Received payload before and verified integrity";

/// Verifies the delivery. The app does nothing else with it, so processing cannot fail.
pub fn accept(
    request: &mut impl Request,
    registration: &Registration,
    platform: &impl Platform,
    log: &mut Log,
) -> Result<Response, Refusal> {
    let received = receive(request, registration, platform, log, |_, _| {
        Processed::Done(())
    })?;
    Ok(Response::text(match received {
        Received::Processed(()) => VERIFIED,
        Received::Duplicate => DUPLICATE,
    }))
}
