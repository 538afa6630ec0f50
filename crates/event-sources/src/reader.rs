//! The loop that reads the stream.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use redis::{ErrorKind, RedisError, RedisResult};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use webhook_model::{Backoff, Clock};

use super::acceptor::Acceptor;
use super::entry::Entry;
use super::outstanding::{Load, Outstanding};
use super::reader_lease::{ReaderLease, ReaderLock};
use super::session::Session;
use super::stats::{Stats, add};
use super::stream::Stream;
use super::{Settings, Sink, StreamEntry};

/// The time that a reader waits for capacity before it lets another process read.
const WAIT_FOR_ROOM: Duration = Duration::from_millis(50);

/// The interval at which a waiting process checks that the reader is alive.
const STAND_BY: Duration = Duration::from_millis(500);

/// The interval at which a reader claims entries that other consumers left pending, and trims.
const SWEEP: Duration = Duration::from_secs(10);

/// The time that a reader waits for entries under way before it claims pending ones.
const FLUSH: Duration = Duration::from_secs(1);

/// The most batches that wait for the acceptor.
const QUEUED: usize = 16;

/// The number of entries of the first read.
const FIRST_READ: usize = 8;

/// Reads entries from a stream into a [`Sink`]. The crate documentation has the guarantees.
pub struct Intake {
    settings: Settings,
    stream: Arc<Stream>,
    sink: Arc<dyn Sink>,
    clock: Clock,
    stats: Arc<Stats>,
    lock: ReaderLock,
}

/// The context of a session under way.
struct Reading<'a> {
    session: &'a Session,
    outstanding: &'a Outstanding,
    batches: &'a mpsc::Sender<Vec<StreamEntry>>,
}

/// The pending entries to claim.
enum Pending {
    /// Entries that an earlier reader has left.
    Left,
    /// New entries of a reply that was too large: they were not passed to the sink yet.
    Refused,
    /// Entries that have been pending for that long.
    Idle(Duration),
}

/// The reason why a reader pauses.
enum Pause {
    /// The session is over, or the sink has no capacity.
    End,
    /// The interval [`SWEEP`] has passed.
    Sweep,
    /// New entries exceeded the size of a reply and are pending now.
    TooLarge,
}

/// The number of entries per read. The size of the next entries is unknown: each is assumed to be as
/// large as the largest of the last read, and all of them must fit into memory.
struct BatchSize {
    /// Doubled after each read, up to the maximum.
    count: usize,
    /// The size in bytes of the largest entry of the last read.
    largest: usize,
}

impl Intake {
    /// Creates an intake. It connects when it runs.
    pub fn new(settings: Settings, sink: Arc<dyn Sink>, clock: Clock) -> Self {
        let Settings {
            stream: key,
            group,
            owner,
            lease,
            ..
        } = &settings;
        let stream = Stream::new(&settings);
        let link = stream.link().clone();
        Self {
            lock: ReaderLock::new(link, key, group, owner.clone(), *lease),
            settings,
            stream: Arc::new(stream),
            sink,
            clock,
            stats: Arc::default(),
        }
    }

    /// Returns the counters, which are updated while the intake runs.
    pub fn stats(&self) -> Arc<Stats> {
        self.stats.clone()
    }

    /// Returns the number of entries that the group has not read yet, or `None` if the server does not
    /// report it: before Redis 7, and after entries were removed from the middle of the stream.
    ///
    /// # Errors
    ///
    /// Errors of the server and of the connection.
    pub async fn lag(&self) -> Result<Option<u64>, RedisError> {
        self.stream.lag().await
    }

    /// Checks that the stream's server responds.
    ///
    /// # Errors
    ///
    /// Errors of the server and of the connection.
    pub async fn ping(&self) -> Result<(), RedisError> {
        self.lock.ping().await
    }

    /// Reads until `stop`, and reconnects after failures. Entries that were read by then are stored and
    /// acknowledged if the store and the stream are reachable; then the lease is released.
    pub async fn run(&self, stop: CancellationToken) {
        let mut backoff = Backoff::default();
        while !stop.is_cancelled() {
            let began = Instant::now();
            match self.round(&stop).await {
                Ok(()) => backoff.reset(),
                Err(error) => {
                    if began.elapsed() > SWEEP {
                        backoff.reset();
                    }
                    self.record_failure(&error);
                    stop.run_until_cancelled(sleep(backoff.next_wait())).await;
                }
            }
        }
    }

    fn record_failure(&self, error: &RedisError) {
        let Settings {
            stream, address, ..
        } = &self.settings;
        tracing::warn!(%stream, redis = %address, %error, "reading the stream failed; retrying");
        add(&self.stats.failures, 1);
        self.stats.connected.store(false, Ordering::Relaxed);
    }

    /// Runs one session while this process holds the reader's lease, or waits for the lease.
    async fn round(&self, stop: &CancellationToken) -> RedisResult<()> {
        if stop
            .run_until_cancelled(self.sink.capacity())
            .await
            .is_none()
        {
            return Ok(());
        }
        let Some(lease) = self.lock.take().await? else {
            self.stats.connected.store(true, Ordering::Relaxed);
            let wait = self.lock.wait(self.stream.waiting(), STAND_BY);
            return stop.run_until_cancelled(wait).await.unwrap_or(Ok(()));
        };
        self.stats.connected.store(true, Ordering::Relaxed);
        self.stats.reading.store(true, Ordering::Relaxed);
        let read = self.session(&lease, stop).await;
        self.stats.reading.store(false, Ordering::Relaxed);
        let handed_over = self.lock.hand_over(lease).await;
        read.and(handed_over)
    }

    async fn session(&self, lease: &ReaderLease, stop: &CancellationToken) -> RedisResult<()> {
        let origin = self.stream.prepare().await?;
        let session = Session::new(origin, lease.lost().clone(), stop.clone());
        let most = Load {
            // While one batch is being stored, the next one may be read.
            entries: self.settings.max_entries.saturating_mul(2),
            bytes: self.settings.max_bytes,
        };
        let outstanding = Arc::new(Outstanding::new(most));
        let (batches, received) = mpsc::channel(QUEUED);
        let acceptor = Acceptor {
            stream: self.stream.clone(),
            sink: self.sink.clone(),
            stats: self.stats.clone(),
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
                read = &mut read => self.unless_replaced(read),
                // The acceptor ends first if it fails or the lease is lost. A blocking read is awaited:
                // entries that it returns after that would be overtaken.
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

    /// Claims pending entries, then reads new ones; claims pending entries again at intervals.
    async fn read(&self, reading: &Reading<'_>) -> RedisResult<()> {
        let mut size = BatchSize::default();
        let mut pending = Pending::Left;
        loop {
            if !self.recover(pending, reading).await? {
                return Ok(());
            }
            let pause = self.read_new(&mut size, reading).await?;
            let flushed = reading.outstanding.flushed(FLUSH);
            let flushed = reading.session.unless_over(flushed).await;
            match (pause, flushed) {
                (Pause::End, _) | (_, None) | (Pause::TooLarge, Some(false)) => return Ok(()),
                (Pause::TooLarge, _) => pending = Pending::Refused,
                (Pause::Sweep, _) => {
                    pending = Pending::Idle(self.settings.min_idle);
                    self.trim().await?;
                }
            }
        }
    }

    /// Reads new entries until there is a reason to pause.
    async fn read_new(&self, size: &mut BatchSize, reading: &Reading<'_>) -> RedisResult<Pause> {
        let began = Instant::now();
        while began.elapsed() < SWEEP.min(self.settings.min_idle) {
            let Some(room) = self.room(size.largest, reading).await else {
                return Ok(Pause::End);
            };
            let count = size.count(room);
            let Some(entries) = self.stream.read_new(count, self.settings.block).await? else {
                size.count = 1;
                return Ok(Pause::TooLarge);
            };
            size.next(&entries, self.stream.max_read());
            self.send(entries, false, reading).await;
            if reading.session.is_over() {
                return Ok(Pause::End);
            }
        }
        Ok(Pause::Sweep)
    }

    /// Waits until an entry of this many bytes fits. Returns `None` if the session ends, or if the sink
    /// has no capacity and nothing is under way, so that another process may read.
    async fn room(&self, bytes: usize, reading: &Reading<'_>) -> Option<Load> {
        let outstanding = reading.outstanding;
        while !reading.session.is_over() {
            let Ok(entries) = timeout(WAIT_FOR_ROOM, self.sink.capacity()).await else {
                if outstanding.is_none() {
                    return None;
                }
                continue;
            };
            let room = outstanding.room(entries);
            if room.entries > 0 && room.bytes >= bytes.clamp(1, self.settings.max_bytes) {
                return Some(room);
            }
            outstanding.change(WAIT_FOR_ROOM).await;
        }
        None
    }

    /// Passes entries to the acceptor. Redelivered entries are accepted without planning: their filters
    /// or transforms may have crashed the process.
    async fn send(&self, entries: Vec<Entry>, redelivered: bool, reading: &Reading<'_>) {
        if entries.is_empty() {
            return;
        }
        let (now, max) = (self.clock.now(), self.settings.max_data_bytes);
        let origin = reading.session.origin();
        let read = |entry: Entry| entry.read(origin, redelivered, max, now);
        let entries: Vec<StreamEntry> = entries.into_iter().map(read).collect();
        reading.outstanding.add(Load::of(&entries));
        // The channel is closed only when the session is over.
        let _ = reading.batches.send(entries).await;
    }

    /// Treats a lost stream or group as the end of the session. The next session creates them again,
    /// after the entries of this one are stored.
    fn unless_replaced(&self, read: RedisResult<()>) -> RedisResult<()> {
        match read {
            // The server unblocks a waiting reader when the stream is removed.
            Err(error) if matches!(error.code(), Some("NOGROUP" | "UNBLOCKED")) => {
                let Settings { stream, group, .. } = &self.settings;
                tracing::warn!(%stream, %group, "the consumer group is missing; creating it again");
                Ok(())
            }
            other => other,
        }
    }

    async fn trim(&self) -> RedisResult<()> {
        if self.settings.trim {
            add(&self.stats.trimmed, self.stream.trim().await?);
        }
        Ok(())
    }

    /// Claims pending entries of all consumers. Returns `true` if it has claimed all of them; the others
    /// must not be overtaken, and are claimed in the next session. No other process reads now. If an
    /// earlier reader still does, both store the same events, which changes nothing.
    async fn recover(&self, which: Pending, reading: &Reading<'_>) -> RedisResult<bool> {
        let mut behind: Option<String> = None;
        let (idle, redelivered) = match which {
            Pending::Left => (None, true),
            Pending::Refused => (None, false),
            Pending::Idle(idle) => (Some(idle), true),
        };
        while !reading.session.is_over() && (idle.is_none() || reading.outstanding.is_none()) {
            let count = self.settings.max_entries;
            let pending = self.stream.pending(behind.as_deref(), idle, count).await?;
            let Some(last) = pending.last() else { break };
            behind = Some(last.clone());
            if !self.take_over(&pending, redelivered, reading).await? {
                return Ok(false);
            }
            if idle.is_some() {
                reading.outstanding.flushed(FLUSH).await;
            }
        }
        Ok(!reading.session.is_over())
    }

    /// Claims pending entries, as many at a time as fit. Returns `true` if all of them fitted.
    async fn take_over(
        &self,
        pending: &[String],
        redelivered: bool,
        reading: &Reading<'_>,
    ) -> RedisResult<bool> {
        let mut left = pending;
        while !left.is_empty() {
            let Some(room) = self.room(1, reading).await else {
                return Ok(false);
            };
            let most = room.entries.min(left.len());
            let claimed = self.stream.claim(&left[..most], room.bytes).await?;
            left = &left[claimed.examined.clamp(1, most)..];
            add(&self.stats.claimed, claimed.entries.len());
            self.acknowledge_vanished(&claimed.vanished, reading)
                .await?;
            self.send(claimed.entries, redelivered, reading).await;
        }
        Ok(true)
    }

    /// Acknowledges entries that were removed from the stream while they were pending.
    async fn acknowledge_vanished(
        &self,
        vanished: &[String],
        reading: &Reading<'_>,
    ) -> RedisResult<()> {
        if vanished.is_empty() {
            return Ok(());
        }
        let entries = vanished.join(" ");
        tracing::warn!(entries, "pending entries were removed from the stream");
        add(&self.stats.vanished, vanished.len());
        let ids: Vec<&str> = vanished.iter().map(String::as_str).collect();
        let origin = reading.session.origin();
        self.stream.acknowledge(origin, &ids).await.map(drop)
    }
}

fn outcome(ended: Option<Result<RedisResult<()>, tokio::task::JoinError>>) -> RedisResult<()> {
    match ended {
        Some(Ok(ended)) => ended,
        Some(Err(_)) => {
            let error = "the task that stores entries was interrupted";
            Err(RedisError::from((ErrorKind::Client, error)))
        }
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

    fn next(&mut self, entries: &[Entry], most: usize) {
        if !entries.is_empty() {
            self.count = (self.count * 2).min(most);
            self.largest = entries.iter().map(Entry::bytes).max().unwrap_or(0);
        }
    }
}
