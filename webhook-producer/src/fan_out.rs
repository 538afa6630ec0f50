//! Concurrent calls with limits on their number and their total duration.
//!
//! All calls share one deadline. At the deadline, running calls are dropped, waiting ones are never
//! started, and finished ones keep their results: no result depends on another call. The limit on
//! concurrency does not guarantee that every call starts: if as many calls hang as may run at once,
//! the others are not started.

use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use futures::future::{Either, select};
use futures::stream::FuturesUnordered;

use crate::platform::Clock;

/// The outcome of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome<T> {
    /// It ended, after this time.
    Ended(T, Duration),
    /// It was still running at the deadline, after this time.
    CutOff(Duration),
    /// It was still waiting at the deadline.
    NotStarted,
}

/// Runs `calls` in order, at most `limit` of them at a time, until all have ended or `clock` reaches
/// `deadline`. The outcomes are in the order of the calls.
pub async fn fan_out<C: Future>(
    clock: &impl Clock,
    calls: Vec<C>,
    limit: usize,
    deadline: Duration,
) -> Vec<CallOutcome<C::Output>> {
    let mut outcomes: Vec<_> = calls.iter().map(|_| CallOutcome::NotStarted).collect();
    let mut starts = Vec::with_capacity(calls.len());
    let mut waiting = calls.into_iter().enumerate();
    let mut running = FuturesUnordered::new();
    let mut alarm = pin!(clock.sleep_until(deadline));
    loop {
        while running.len() < limit
            && let Some((index, call)) = waiting.next()
        {
            starts.push(clock.now());
            running.push(async move { (index, call.await) });
        }
        match select(running.next(), alarm.as_mut()).await {
            Either::Left((Some((index, output)), _)) => {
                outcomes[index] = CallOutcome::Ended(output, since(clock, starts[index]));
            }
            Either::Left((None, _)) => break,
            Either::Right(_) => {
                cut_off(clock, &mut outcomes, &starts);
                break;
            }
        }
    }
    outcomes
}

/// Marks every running call as cut off. Calls start in order, so the first ones are those that were
/// started.
fn cut_off<T>(clock: &impl Clock, outcomes: &mut [CallOutcome<T>], starts: &[Duration]) {
    for (outcome, start) in outcomes.iter_mut().zip(starts) {
        if matches!(outcome, CallOutcome::NotStarted) {
            *outcome = CallOutcome::CutOff(since(clock, *start));
        }
    }
}

fn since(clock: &impl Clock, start: Duration) -> Duration {
    clock.now().saturating_sub(start)
}
