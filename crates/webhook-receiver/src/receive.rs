//! Receiving of a signed request.

use crate::body::check_length;
use crate::dedup::{self, Claim};
use crate::limits::DELIVERY_BYTES;
use crate::verification::{check_headers, input_of, verify};
use crate::{Log, Platform, Refusal, Registration, Request, Settings, Verified, VerifyInput};

/// A verified request.
#[derive(Clone, Copy)]
pub struct Delivery<'a> {
    /// The signed properties.
    pub verified: &'a Verified,
    /// The raw body.
    pub body: &'a [u8],
}

/// The result of processing. Both contain a value for the response.
pub enum Processed<T> {
    /// Processing succeeded: the id is done.
    Done(T),
    /// Processing failed: the id is released, and a retry is processed.
    Failed(T),
}

/// The outcome of a verified request.
#[derive(Debug, PartialEq, Eq)]
pub enum Received<T> {
    /// It was processed, with this result.
    Processed(T),
    /// Its id was processed before. The response should be 200.
    Duplicate,
}

/// Verifies the request under the keys of its registration, and calls `process` unless its id was
/// processed before.
///
/// `process` must return only after the outcome is known: the id is done from then on. The log gets
/// a line for each step; the caller adds its response.
///
/// # Errors
///
/// Returns a [`Refusal`] if the request was not processed.
pub fn receive<T>(
    request: &mut impl Request,
    registration: &Registration,
    platform: &impl Platform,
    log: &mut Log,
    process: impl FnOnce(Delivery<'_>, &mut Log) -> Processed<T>,
) -> Result<Received<T>, Refusal> {
    let settings = Settings::read(platform)?;
    let headers = request.headers();
    check_headers(platform, input_of(&headers, &settings, platform.now()))?;
    let body = request.body(DELIVERY_BYTES)?;
    check_length(&headers, &body)?;
    // Read the clock again: the sender of the body chooses when it ends.
    let now = platform.now();
    let input = VerifyInput {
        body: &body,
        ..input_of(&headers, &settings, now)
    };
    let verified = logged_verify(platform, registration, input, log)?;
    let body = body.as_slice();
    let delivery = Delivery {
        verified: &verified,
        body,
    };
    match &verified.id {
        None => Ok(Received::Processed(process(delivery, log).into_inner())),
        Some(id) => match dedup::claim(platform, &settings, &registration.scoped(id), now)? {
            Claim::Granted(lease) => {
                let processed = process(delivery, log);
                let now = platform.now();
                let until = settings.remember_until(now, verified.at);
                let recorded = match &processed {
                    Processed::Done(_) => lease.complete(platform, now, until),
                    Processed::Failed(_) => lease.release(platform),
                };
                // The work is done: an error response would cause a retry that repeats it.
                if let Err(error) = recorded {
                    log.line(format!("Failed to record the event's id: {error}"));
                }
                Ok(Received::Processed(processed.into_inner()))
            }
            Claim::Done => {
                log.line(format!("Event {id} was processed before"));
                Ok(Received::Duplicate)
            }
            Claim::InProgress => Err(Refusal::InProgress),
        },
    }
}

fn logged_verify(
    platform: &impl Platform,
    registration: &Registration,
    input: VerifyInput<'_>,
    log: &mut Log,
) -> Result<Verified, Refusal> {
    log.line("Verifying integrity of payload received from PRODUCER...");
    let result = verify(platform, registration, input, log);
    let valid = match &result {
        Ok(_) => true,
        Err(Refusal::Signature { .. }) => false,
        // The payload was not verified at all.
        Err(_) => return result,
    };
    log.rule();
    log.line(format!("Payload verification result: {valid}"));
    log.rule();
    if let Ok(verified) = &result {
        let id = verified.id.as_deref().map(|id| format!(", event {id}"));
        let (scheme, id) = (verified.scheme.name(), id.unwrap_or_default());
        log.line(format!("Signed by scheme {scheme}{id}"));
    }
    result
}

impl<T> Processed<T> {
    fn into_inner(self) -> T {
        match self {
            Self::Done(result) | Self::Failed(result) => result,
        }
    }
}
