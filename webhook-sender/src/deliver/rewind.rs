//! Corrects due times after the clock was set back.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use webhook_model::Millis;
use webhook_store::{NextState, Outcome};

use super::context::Context;
use super::render_deferred;

/// The interval at which the clock is checked, and the largest step that is ignored, because it
/// delays nothing by more than this.
const EVERY: Duration = Duration::from_secs(1);

/// Makes the store correct due times once at the start, as the clock may have been set while no
/// sender ran, and whenever the clock goes back.
pub(super) async fn watch_clock(context: &Context) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut latest = Millis::NEVER;
    loop {
        ticks.tick().await;
        let now = context.clock.now();
        if now < latest && !correct(context, now).await {
            continue;
        }
        latest = now;
    }
}

/// Returns true if the store has corrected them.
async fn correct(context: &Context, now: Millis) -> bool {
    let rewound = async {
        // If the local clock is behind, the clocks of other processes on the same store may still
        // be right.
        let time = context.lease.time().await?;
        context
            .store
            .rewind(time.map_or(now, |time| time.max(now)))
            .await
    };
    match rewound.await {
        Ok(deliveries) => {
            if deliveries > 0 {
                let text = "the clock was set back; deliveries are due earlier";
                context.observe(|| tracing::warn!(deliveries, "{text}"));
            }
            context.concurrency.wake_signals.queue_changed();
            true
        }
        Err(error) => {
            context.observe(|| tracing::warn!(%error, "cannot check due times against the clock"));
            false
        }
    }
}

/// Corrects outcomes from a time when the clock was ahead of `now`, before they are recorded.
pub(super) fn correct_outcomes(outcomes: &mut [Outcome], now: Millis) {
    for outcome in outcomes {
        let NextState::Due(due) = &mut outcome.next else {
            continue;
        };
        let Some(attempt) = &mut outcome.attempt else {
            // Without an attempt the wait is short.
            *due = (*due).min(now.after(render_deferred::PAUSE));
            continue;
        };
        let took = Duration::from_millis(attempt.duration_ms.into());
        let ahead = attempt.at.after(took).since(now);
        if ahead > EVERY {
            attempt.at = attempt.at.before(ahead);
            *due = due.before(ahead);
        }
    }
}

#[cfg(test)]
mod tests {
    use webhook_model::{Attempt, DeliveryId, EndpointId, Exchange, Phase, TenantId};
    use webhook_store::Fence;

    use super::*;

    fn outcome(attempt_at: Option<u64>, due: u64) -> Outcome {
        let attempt = |at| Attempt {
            at: Millis(at),
            status: Some(500),
            error: Some("responded 500".into()),
            phase: Some(Phase::Respond),
            duration_ms: 100,
            exchange: Exchange::default(),
        };
        Outcome {
            tenant: TenantId::parse("acme").unwrap(),
            id: DeliveryId::parse("one").unwrap(),
            endpoint: EndpointId::parse("orders").unwrap(),
            fence: Fence::new(Millis(0)),
            attempt: attempt_at.map(attempt),
            next: NextState::Due(Millis(due)),
        }
    }

    /// Returns the due time and the time of the attempt after a correction at 10,000.
    fn corrected(attempt_at: Option<u64>, due: u64) -> (u64, Option<u64>) {
        let mut outcomes = [outcome(attempt_at, due)];
        correct_outcomes(&mut outcomes, Millis(10_000));
        let [Outcome { attempt, next, .. }] = outcomes;
        let NextState::Due(due) = next else {
            panic!("{next:?}")
        };
        (due.0, attempt.map(|attempt| attempt.at.0))
    }

    #[test]
    fn an_outcome_from_the_future_keeps_its_wait_from_now() {
        assert_eq!(corrected(Some(99_900), 105_000), (15_000, Some(9_900)));
        assert_eq!(corrected(None, 99_000), (15_000, None));
    }

    #[test]
    fn an_outcome_from_the_past_is_unchanged() {
        for at in [1_000, 9_900, 10_500] {
            assert_eq!(corrected(Some(at), 99_000), (99_000, Some(at)));
        }
        assert_eq!(corrected(None, 9_000), (9_000, None));
    }
}
