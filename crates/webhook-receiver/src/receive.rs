//! Taking a request that has to be signed.

use crate::body::check_length;
use crate::limits::DELIVERY_BYTES;
use crate::seen::{self, Claim as Id, Held};
use crate::verification::{claim_of, judge_headers, verify};
use crate::{Claim, Log, Platform, Refusal, Registration, Request, Settings, Verified};

/// A request that is vouched for.
#[derive(Clone, Copy)]
pub struct Delivery<'a> {
    /// What its signature says.
    pub verified: &'a Verified,
    /// Its raw body.
    pub body: &'a [u8],
}

/// What became of processing it. Either way there is something to answer with.
pub enum Processed<T> {
    /// It succeeded: the id counts as done.
    Done(T),
    /// It failed: the id is forgotten, and a retry is processed.
    Failed(T),
}

/// What became of a request that is vouched for.
#[derive(Debug, PartialEq, Eq)]
pub enum Received<T> {
    /// It was processed now, with this to answer.
    Processed(T),
    /// Its id was processed before. It is to be answered 200.
    Seen,
}

/// Verifies the request under the keys of its registration and, unless its id was seen there, has
/// it processed.
///
/// `process` returns once it is known whether processing succeeded: the id counts as done from then
/// on. The log gets a line for each step; the caller adds what it answered.
///
/// # Errors
///
/// A [`Refusal`]; nothing was processed then.
pub fn receive<T>(
    request: &mut impl Request,
    registration: &Registration,
    platform: &impl Platform,
    log: &mut Log,
    process: impl FnOnce(Delivery<'_>, &mut Log) -> Processed<T>,
) -> Result<Received<T>, Refusal> {
    let settings = Settings::read(platform)?;
    let headers = request.headers();
    judge_headers(platform, claim_of(&headers, &settings, platform.now()))?;
    let body = request.body(DELIVERY_BYTES)?;
    check_length(&headers, &body)?;
    // The clock of before does not count any more: whoever sends the body chooses when it ends.
    let now = platform.now();
    let claim = Claim {
        body: &body,
        ..claim_of(&headers, &settings, now)
    };
    let verified = logged_verify(platform, registration, claim, log)?;
    let body = body.as_slice();
    let delivery = Delivery {
        verified: &verified,
        body,
    };
    match &verified.id {
        None => Ok(Received::Processed(answer_of(process(delivery, log)))),
        Some(id) => match seen::claim(platform, &settings, &registration.scoped(id), now)? {
            Id::Mine(held) => {
                let processed = process(delivery, log);
                let until = settings.remember_until(platform.now(), verified.at);
                let answer = settle(processed, held, until, platform, log);
                Ok(Received::Processed(answer))
            }
            Id::Done => {
                log.line(format!("Event {id} was processed before"));
                Ok(Received::Seen)
            }
            Id::Taken => Err(Refusal::InProgress),
        },
    }
}

fn logged_verify(
    platform: &impl Platform,
    registration: &Registration,
    claim: Claim<'_>,
    log: &mut Log,
) -> Result<Verified, Refusal> {
    log.line("Verifying integrity of payload received from PRODUCER...");
    let verdict = verify(platform, registration, claim, log);
    let holds = match &verdict {
        Ok(_) => true,
        Err(Refusal::Signature { .. }) => false,
        // Nothing was found out about the payload.
        Err(_) => return verdict,
    };
    log.rule();
    log.line(format!("Payload verification result: {holds}"));
    log.rule();
    if let Ok(verified) = &verdict {
        let id = verified.id.as_deref().map(|id| format!(", event {id}"));
        let (scheme, id) = (verified.scheme.name(), id.unwrap_or_default());
        log.line(format!("It is signed by scheme {scheme}{id}"));
    }
    verdict
}

/// What was done is done: where it cannot be recorded, the sender gets its answer all the same, for
/// a retry would be processed again.
fn settle<T>(
    processed: Processed<T>,
    held: Held,
    until: u64,
    platform: &impl Platform,
    log: &mut Log,
) -> T {
    let settled = match &processed {
        Processed::Done(_) => held.complete(platform, until),
        Processed::Failed(_) => held.release(platform),
    };
    if let Err(error) = settled {
        log.line(format!("The event's id could not be recorded: {error}"));
    }
    answer_of(processed)
}

fn answer_of<T>(processed: Processed<T>) -> T {
    match processed {
        Processed::Done(answer) | Processed::Failed(answer) => answer,
    }
}
