//! Polling of `/readyz`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use test_support::Request;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::traffic::Apis;

const PACE: Duration = Duration::from_millis(100);

/// The time limit for a response.
const TIMEOUT: Duration = Duration::from_millis(2500);

/// The time for which `/readyz` can return a cached result, and the time of a poll.
const CACHED: Duration = Duration::from_millis(1500);

/// Polls of the first sender. Dropping it ends them.
pub struct Probe {
    samples: Arc<Mutex<Vec<Sample>>>,
    polling: JoinHandle<()>,
}

/// One response of `/readyz`.
#[derive(Clone, Copy, Debug)]
struct Sample {
    sent: Instant,
    done: Instant,
    /// `None`: no response in time, or no connection.
    status: Option<u16>,
}

impl Probe {
    pub fn start(apis: Apis) -> Self {
        let samples = Arc::<Mutex<Vec<Sample>>>::default();
        let polling = tokio::spawn(poll(apis, samples.clone()));
        Self { samples, polling }
    }

    /// Returns `true` if the last response was 200, and was requested after `moment`.
    pub fn is_ready(&self, moment: Instant) -> bool {
        let samples = self.samples();
        let last = samples.last();
        last.is_some_and(|last| last.sent > moment && last.status == Some(200))
    }

    /// Returns the number of responses with 200 between the two times, after cached results have
    /// expired.
    pub fn ready_between(&self, start: Instant, end: Instant) -> usize {
        let samples = self.samples();
        let within = |s: &&Sample| s.sent > start + CACHED && s.done < end;
        let within = samples.iter().filter(within);
        within.filter(|sample| sample.status == Some(200)).count()
    }

    /// Returns `true` if a response between the two times was 503.
    pub fn unready_between(&self, start: Instant, end: Instant) -> bool {
        let mut samples = self.samples().into_iter();
        samples.any(|s| s.sent > start && s.sent < end && s.status == Some(503))
    }

    /// Returns `true` if `/readyz` was polled between the two times, and every response was 200.
    pub fn always_ready(&self, start: Instant, end: Instant) -> bool {
        let mut samples = self.samples();
        samples.retain(|sample| sample.done > start && sample.sent < end);
        let polled: Duration = samples.iter().map(|s| s.done - s.sent + PACE).sum();
        polled > (end - start) / 2 && samples.iter().all(|s| s.status == Some(200))
    }

    fn samples(&self) -> Vec<Sample> {
        let samples = self.samples.lock();
        samples.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.polling.abort();
    }
}

async fn poll(apis: Apis, samples: Arc<Mutex<Vec<Sample>>>) {
    loop {
        tokio::time::sleep(PACE).await;
        let api = apis.borrow().first().cloned();
        let Some(api) = api else { continue };
        let sent = Instant::now();
        let request = Request::get(format!("{api}/readyz")).try_send();
        let status = match timeout(TIMEOUT, request).await {
            Ok(Ok(reply)) => Some(reply.status),
            _ => None,
        };
        let done = Instant::now();
        let mut samples = samples.lock().unwrap_or_else(PoisonError::into_inner);
        samples.push(Sample { sent, done, status });
    }
}
