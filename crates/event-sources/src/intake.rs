//! The loop that reads a source.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use webhook_model::Backoff;

use super::acceptor::Acceptor;
use super::outstanding::{Load, Outstanding};
use super::session::Session;
use super::source::{Connected, Read, Room, Source, SourceError, SourceInfo};
use super::stats::{Snapshot, add};
use super::{Sink, SourceEntry};

/// The time that a reader waits for capacity before it lets another process read.
const WAIT_FOR_ROOM: Duration = Duration::from_millis(50);

/// The duration of a session after which its failure counts as the first.
const STABLE: Duration = Duration::from_secs(10);

/// The most batches that wait for the acceptor.
const QUEUED: usize = 16;

/// The number of entries of the first read.
const FIRST_READ: usize = 8;

/// Reads entries from a [`Source`] into a [`Sink`]. The crate documentation has the guarantees.
pub struct Intake {
    source: Arc<dyn Source>,
    sink: Arc<dyn Sink>,
}

/// The context of a session under way.
struct Reading<'a> {
    session: &'a Session,
    outstanding: &'a Outstanding,
    batches: &'a mpsc::Sender<Vec<SourceEntry>>,
}

/// The number of entries per read. The size of the next entries is unknown: each is assumed to be as
/// large as the largest of the last read, and all of them must fit into memory.
struct BatchSize {
    /// Doubled after each read, up to the maximum.
    count: usize,
    /// The size in bytes of the largest entry of the last read.
    largest: usize,
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Intake").field(&self.name()).finish()
    }
}

impl Intake {
    /// Creates an intake. It connects when it runs.
    pub fn new(source: impl Source, sink: Arc<dyn Sink>) -> Self {
        Self {
            source: Arc::new(source),
            sink,
        }
    }

    /// Returns the name of the source.
    pub fn name(&self) -> &str {
        self.info().name.as_str()
    }

    /// Returns the counters at this moment.
    pub fn stats(&self) -> Snapshot {
        self.info().stats.snapshot()
    }

    /// Returns the number of entries that the group has not read yet, or `None` if the server does not
    /// report it.
    ///
    /// # Errors
    ///
    /// Errors of the server and of the connection.
    pub async fn lag(&self) -> Result<Option<u64>, SourceError> {
        self.source.lag().await
    }

    /// Checks that the source's server responds.
    ///
    /// # Errors
    ///
    /// Errors of the server and of the connection.
    pub async fn ping(&self) -> Result<(), SourceError> {
        self.source.ping().await
    }

    /// Reads until `stop`, and reconnects after failures. Entries that were read by then are stored and
    /// acknowledged if the store and the source are reachable; then the source is released.
    pub async fn run(&self, stop: CancellationToken) {
        let mut backoff = Backoff::default();
        while !stop.is_cancelled() {
            let began = Instant::now();
            match self.try_round(&stop).await {
                Ok(()) => backoff.reset(),
                Err(error) => {
                    if began.elapsed() > STABLE {
                        backoff.reset();
                    }
                    self.record_failure(&error);
                    stop.run_until_cancelled(sleep(backoff.next_wait())).await;
                }
            }
        }
    }

    fn info(&self) -> &SourceInfo {
        self.source.info()
    }

    fn record_failure(&self, error: &SourceError) {
        let SourceInfo { name, address, .. } = self.info();
        tracing::warn!(source = %name, %address, %error, "reading the source failed; retrying");
        let stats = &self.info().stats;
        stats.connected.store(false, Ordering::Relaxed);
        add(&stats.failures, 1);
    }

    /// Runs one session like [`round`](Self::round). A panic ends only the session.
    async fn try_round(&self, stop: &CancellationToken) -> Result<(), SourceError> {
        match AssertUnwindSafe(self.round(stop)).catch_unwind().await {
            Ok(ended) => ended,
            Err(_) => {
                self.info().stats.reading.store(false, Ordering::Relaxed);
                self.source.release().await?;
                Err(SourceError::new("reading it panicked"))
            }
        }
    }

    /// Runs one session, or waits while another process reads.
    async fn round(&self, stop: &CancellationToken) -> Result<(), SourceError> {
        if stop
            .run_until_cancelled(self.sink.capacity())
            .await
            .is_none()
        {
            return Ok(());
        }
        let read = match stop.run_until_cancelled(self.source.connect()).await {
            None => Ok(()),
            Some(Err(error)) => Err(error),
            Some(Ok(connected)) => {
                self.info().stats.connected.store(true, Ordering::Relaxed);
                match connected {
                    Connected::Standby => Ok(()),
                    Connected::Reading(lost) => self.session(lost, stop).await,
                }
            }
        };
        self.info().stats.reading.store(false, Ordering::Relaxed);
        let released = self.source.release().await;
        read.and(released)
    }

    async fn session(
        &self,
        lost: CancellationToken,
        stop: &CancellationToken,
    ) -> Result<(), SourceError> {
        self.info().stats.reading.store(true, Ordering::Relaxed);
        let session = Session::new(lost, stop.clone());
        let bounds = self.info().bounds;
        let outstanding = Arc::new(Outstanding::new(Load {
            // While one batch is being stored, the next one may be read.
            entries: bounds.max_entries.saturating_mul(2),
            bytes: bounds.max_bytes,
        }));
        let (batches, received) = mpsc::channel(QUEUED);
        let acceptor = Acceptor {
            source: self.source.clone(),
            sink: self.sink.clone(),
            outstanding: outstanding.clone(),
            session: session.clone(),
        };
        // Dropped with this future: entries under way then stay pending, as after a crash.
        let mut accepting = JoinSet::new();
        accepting.spawn(acceptor.run(received));
        let reading = Reading {
            session: &session,
            outstanding: &outstanding,
            batches: &batches,
        };
        let read = {
            let mut read = std::pin::pin!(self.read(&reading));
            tokio::select! {
                read = &mut read => read,
                // The acceptor ends first if it fails or the session is lost. A blocking read is
                // awaited: entries that it returns after that would be overtaken.
                ended = accepting.join_next() => {
                    session.end();
                    let _ = read.await;
                    return outcome(ended);
                }
            }
        };
        drop(batches);
        session.end();
        let accepted = outcome(accepting.join_next().await);
        read.and(accepted)
    }

    /// Reads batches until the session is over or the sink has no capacity.
    async fn read(&self, reading: &Reading<'_>) -> Result<(), SourceError> {
        let mut size = BatchSize::default();
        while let Some(room) = self.room(size.largest, reading).await {
            let most = Room {
                entries: size.count(room),
                bytes: room.bytes,
            };
            let Read::Entries(entries) = self.source.next(most).await? else {
                return Ok(());
            };
            if entries.is_empty() {
                continue;
            }
            size.next(&entries, self.info().bounds.max_entries);
            reading.outstanding.add(Load::of(&entries));
            // The channel is closed only when the session is over.
            let _ = reading.batches.send(entries).await;
        }
        Ok(())
    }

    /// Waits until an entry of this many bytes fits. Returns `None` if the session ends, or if the sink
    /// has no capacity and nothing is under way, so that another process may read.
    async fn room(&self, bytes: usize, reading: &Reading<'_>) -> Option<Load> {
        let outstanding = reading.outstanding;
        let max_bytes = self.info().bounds.max_bytes;
        while !reading.session.is_over() {
            let Ok(entries) = timeout(WAIT_FOR_ROOM, self.sink.capacity()).await else {
                if outstanding.is_none() {
                    return None;
                }
                continue;
            };
            let room = outstanding.room(entries);
            if room.entries > 0 && room.bytes >= bytes.clamp(1, max_bytes) {
                return Some(room);
            }
            outstanding.change(WAIT_FOR_ROOM).await;
        }
        None
    }
}

fn outcome(ended: Option<Result<Result<(), SourceError>, JoinError>>) -> Result<(), SourceError> {
    match ended {
        Some(Ok(ended)) => ended,
        Some(Err(_)) => Err(SourceError::new(
            "the task that stores entries was interrupted",
        )),
        None => Ok(()),
    }
}

impl Default for BatchSize {
    fn default() -> Self {
        Self {
            count: FIRST_READ,
            largest: 1024,
        }
    }
}

impl BatchSize {
    fn count(&self, room: Load) -> usize {
        let by_bytes = room.bytes / self.largest.max(1);
        self.count.min(room.entries).min(by_bytes).max(1)
    }

    fn next(&mut self, entries: &[SourceEntry], most: usize) {
        self.count = (self.count * 2).min(most);
        self.largest = entries.iter().map(|entry| entry.bytes).max().unwrap_or(0);
    }
}

#[cfg(test)]
mod tests;
