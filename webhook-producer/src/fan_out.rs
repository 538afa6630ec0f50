//! Calling many at once, within a bound on how many and a bound on how long.
//!
//! One deadline stands over all calls. A call that is under way when it comes is dropped, one whose
//! turn has not come is never started, and those that ended keep their results: nobody waits longer
//! than that, and nobody's result depends on another's call. What a bound on concurrency cannot
//! give is a turn for everybody: where as many calls hang as may run at once, the others are not
//! started.

use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use futures::future::{Either, select};
use futures::stream::FuturesUnordered;

use crate::outside::Clock;

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate<T> {
    /// It ended, after this time.
    Ended(T, Duration),
    /// It was still under way at the deadline, having had this time.
    CutOff(Duration),
    /// The deadline came before its turn.
    NotStarted,
}

/// Runs `calls`, in their order and at most `limit` of them at a time, until all have ended or
/// `clock` reaches `deadline`. The fates are in the order of the calls.
pub async fn fan_out<C: Future>(
    clock: &impl Clock,
    calls: Vec<C>,
    limit: usize,
    deadline: Duration,
) -> Vec<Fate<C::Output>> {
    let mut fates: Vec<_> = calls.iter().map(|_| Fate::NotStarted).collect();
    let mut starts = Vec::with_capacity(calls.len());
    let mut waiting = calls.into_iter().enumerate();
    let mut running = FuturesUnordered::new();
    let mut alarm = pin!(clock.sleep_until(deadline));
    loop {
        while running.len() < limit
            && let Some((place, call)) = waiting.next()
        {
            starts.push(clock.now());
            running.push(async move { (place, call.await) });
        }
        match select(running.next(), alarm.as_mut()).await {
            Either::Left((Some((place, output)), _)) => {
                fates[place] = Fate::Ended(output, since(clock, starts[place]));
            }
            Either::Left((None, _)) => break,
            Either::Right(_) => {
                cut_off(clock, &mut fates, &starts);
                break;
            }
        }
    }
    fates
}

/// Every call that was started and has not ended is cut off. Calls start in their order, so those
/// that were started are the first ones.
fn cut_off<T>(clock: &impl Clock, fates: &mut [Fate<T>], starts: &[Duration]) {
    for (fate, start) in fates.iter_mut().zip(starts) {
        if matches!(fate, Fate::NotStarted) {
            *fate = Fate::CutOff(since(clock, *start));
        }
    }
}

fn since(clock: &impl Clock, start: Duration) -> Duration {
    clock.now().saturating_sub(start)
}
