//! Classifies the result of an attempt.

use std::time::Duration;

use webhook_client::{CallError, Response};
use webhook_model::{Attempt, Exchange, Millis, Phase, Retry};
use webhook_store::NextState;

use super::retry_after;

/// The wait before another try after this machine ran out of resources.
const RESOURCES_WAIT: Duration = Duration::from_secs(1);

/// The consequences of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Disposition {
    /// The attempt to record, without its exchange; `None` if it says nothing about the receiver and does
    /// not count.
    pub attempt: Option<Attempt>,
    pub next: NextState,
    pub health: Health,
    /// Set if the receiver is gone for good (status 410).
    pub gone: bool,
}

/// The health of a receiver, according to one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// The receiver responded; even a 4xx counts as healthy.
    Healthy,
    /// The receiver is unreachable, too slow, broken or overloaded. It requested this wait.
    Unhealthy(Duration),
    /// The attempt says nothing about the receiver.
    Unknown,
}

/// Classifies the result of an attempt.
///
/// `attempts_made` attempts were made before this one, which began at `at` and took `took`. `random` is
/// drawn from 0 to 1.
pub fn classify(
    response: Result<Response, CallError>,
    attempts_made: u32,
    retry: &Retry,
    (at, took): (Millis, Duration),
    random: f64,
) -> Disposition {
    let ended = at.after(took);
    if let Err(CallError::Exhausted(_)) = response {
        return Disposition {
            attempt: None,
            next: NextState::Due(ended.after(RESOURCES_WAIT)),
            health: Health::Unknown,
            gone: false,
        };
    }
    let health = health(&response, ended);
    let attempt = attempt(&response, at, took);
    let gone = attempt.status == Some(410);
    let next = match &attempt.error {
        None => NextState::Succeeded,
        Some(error) if gone => NextState::Dead(error.clone()),
        Some(error) => retry_or_bury(error, attempts_made, retry, ended, health, random),
    };
    Disposition {
        attempt: Some(attempt),
        next,
        health,
        gone,
    }
}

/// Returns the disposition of an attempt that panicked. Its request may have been sent. It counts
/// as an attempt, so that a delivery whose attempts always panic is not retried forever.
pub(super) fn classify_panic(
    attempts_made: u32,
    retry: &Retry,
    at: Millis,
    random: f64,
) -> Disposition {
    let error = "the sender failed during the attempt";
    let attempt = Attempt {
        at,
        status: None,
        error: Some(error.into()),
        phase: Some(Phase::Send),
        duration_ms: 0,
        exchange: Exchange::default(),
    };
    let health = Health::Unknown;
    Disposition {
        attempt: Some(attempt),
        next: retry_or_bury(error, attempts_made, retry, at, health, random),
        health,
        gone: false,
    }
}

/// Schedules the next attempt, no sooner than the receiver requested, or makes the delivery a dead
/// letter at the end of the schedule.
fn retry_or_bury(
    error: &str,
    attempts_made: u32,
    retry: &Retry,
    ended: Millis,
    health: Health,
    random: f64,
) -> NextState {
    let attempts_made = usize::try_from(attempts_made)
        .unwrap_or(usize::MAX)
        .saturating_add(1);
    let requested = match health {
        Health::Unhealthy(wait) => wait,
        Health::Healthy | Health::Unknown => Duration::ZERO,
    };
    match retry.wait(attempts_made, random) {
        Some(wait) => NextState::Due(ended.after(wait.max(requested))),
        None => NextState::Dead(format!(
            "the last of {attempts_made} attempts failed: {error}"
        )),
    }
}

fn attempt(response: &Result<Response, CallError>, at: Millis, took: Duration) -> Attempt {
    let duration_ms = u32::try_from(took.as_millis()).unwrap_or(u32::MAX);
    let mut attempt = Attempt {
        at,
        status: None,
        error: None,
        phase: None,
        duration_ms,
        exchange: Exchange::default(),
    };
    match response {
        Ok(response) => {
            attempt.status = Some(response.status);
            attempt.error = status_error(response.status);
            attempt.phase = attempt.error.is_some().then_some(Phase::Respond);
        }
        Err(error) => {
            attempt.error = Some(error.to_string());
            attempt.phase = Some(error.phase());
        }
    }
    attempt
}

fn status_error(status: u16) -> Option<String> {
    match status {
        200..=299 => None,
        300..=399 => Some(format!("responded {status}; redirects are not followed")),
        410 => Some("responded 410: the receiver is gone".into()),
        _ => Some(format!("responded {status}")),
    }
}

fn health(response: &Result<Response, CallError>, now: Millis) -> Health {
    let response = match response {
        // No request was sent.
        Err(CallError::Header(_) | CallError::Unsigned(_)) => return Health::Unknown,
        Err(_) => return Health::Unhealthy(Duration::ZERO),
        Ok(response) => response,
    };
    let overloaded = || {
        let wait = response
            .retry_after
            .as_deref()
            .and_then(|text| retry_after(text, now));
        Health::Unhealthy(wait.unwrap_or_default())
    };
    match response.status {
        429 | 502 | 503 | 504 => overloaded(),
        500..=599 => Health::Unhealthy(Duration::ZERO),
        _ => Health::Healthy,
    }
}

#[cfg(test)]
mod tests {
    use webhook_model::{HeaderBlock, Protocol};

    use super::*;

    const AT: Millis = Millis(1_000_000);
    const TOOK: Duration = Duration::from_millis(250);
    const ENDED: Millis = Millis(1_000_250);

    fn retry() -> Retry {
        let schedule = [0, 5, 300].map(Duration::from_secs).to_vec();
        Retry {
            schedule,
            jitter: 0.2,
        }
    }

    fn classified(response: Result<Response, CallError>, attempts_made: u32) -> Disposition {
        classify(response, attempts_made, &retry(), (AT, TOOK), 0.5)
    }

    fn status(status: u16, retry_after: Option<&str>) -> Result<Response, CallError> {
        Ok(Response {
            status,
            retry_after: retry_after.map(str::to_owned),
            protocol: Protocol::Http1,
            headers: HeaderBlock::default(),
            body: vec![],
            body_bytes: 0,
        })
    }

    fn due(seconds: u64) -> NextState {
        NextState::Due(ENDED.after(Duration::from_secs(seconds)))
    }

    #[test]
    fn every_result_is_classified() {
        let unhealthy = |seconds| Health::Unhealthy(Duration::from_secs(seconds));
        let dead = |text: &str| NextState::Dead(text.to_owned());
        let cases = [
            (
                status(200, None),
                NextState::Succeeded,
                Health::Healthy,
                false,
            ),
            (
                status(204, None),
                NextState::Succeeded,
                Health::Healthy,
                false,
            ),
            (
                status(299, Some("60")),
                NextState::Succeeded,
                Health::Healthy,
                false,
            ),
            (status(101, None), due(5), Health::Healthy, false),
            (status(302, None), due(5), Health::Healthy, false),
            (status(400, Some("60")), due(5), Health::Healthy, false),
            (status(404, None), due(5), Health::Healthy, false),
            (
                status(410, None),
                dead("responded 410: the receiver is gone"),
                Health::Healthy,
                true,
            ),
            (status(429, None), due(5), unhealthy(0), false),
            (status(429, Some("60")), due(60), unhealthy(60), false),
            (status(429, Some("1")), due(5), unhealthy(1), false),
            (status(429, Some("never")), due(5), unhealthy(0), false),
            (status(500, Some("60")), due(5), unhealthy(0), false),
            (status(502, Some("60")), due(60), unhealthy(60), false),
            (
                status(503, Some("999999999")),
                due(86_400),
                unhealthy(86_400),
                false,
            ),
            (
                status(504, Some("Thu, 01 Jan 1970 00:17:40 GMT")),
                NextState::Due(Millis(1_060_000)),
                Health::Unhealthy(Duration::from_millis(59_750)),
                false,
            ),
            (
                Err(CallError::Connect("refused".into())),
                due(5),
                unhealthy(0),
                false,
            ),
            (
                Err(CallError::TimedOut(Phase::Respond)),
                due(5),
                unhealthy(0),
                false,
            ),
            (
                Err(CallError::Header("X".into())),
                due(5),
                Health::Unknown,
                false,
            ),
        ];
        for (response, next, health, gone) in cases {
            let disposition = classified(response.clone(), 0);
            assert_eq!(disposition.next, next, "{response:?}");
            assert_eq!(disposition.health, health, "{response:?}");
            assert_eq!(disposition.gone, gone, "{response:?}");
            let attempt = disposition.attempt.unwrap();
            assert_eq!(
                attempt.error.is_none(),
                next == NextState::Succeeded,
                "{response:?}"
            );
            assert_eq!(
                attempt.phase.is_none(),
                next == NextState::Succeeded,
                "{response:?}"
            );
            assert_eq!((attempt.at, attempt.duration_ms), (AT, 250));
        }
    }

    #[test]
    fn a_delivery_is_dead_at_the_end_of_its_schedule() {
        assert_eq!(classified(status(500, None), 1).next, due(300));
        let last = classified(status(500, None), 2).next;
        let reason = "the last of 3 attempts failed: responded 500";
        assert_eq!(last, NextState::Dead(reason.into()));
        let with_retry_after = classified(status(503, Some("60")), 2).next;
        assert!(
            matches!(with_retry_after, NextState::Dead(_)),
            "Retry-After adds no attempts"
        );
        assert!(matches!(
            classified(status(500, None), u32::MAX).next,
            NextState::Dead(_)
        ));
    }

    #[test]
    fn jitter_varies_the_wait() {
        let next = |random| classify(status(500, None), 0, &retry(), (AT, TOOK), random).next;
        assert_eq!(next(0.0), due(4));
        assert_eq!(next(1.0), due(6));
    }

    #[test]
    fn exhausted_local_resources_do_not_count_as_an_attempt() {
        let disposition = classified(Err(CallError::Exhausted("too many open files".into())), 2);
        assert_eq!(disposition.attempt, None);
        assert_eq!(
            (disposition.next, disposition.health),
            (due(1), Health::Unknown)
        );
    }
}
