//! The loop that reads.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use redis::{ErrorKind, RedisError, RedisResult};
use redis_link::delay;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use webhook_model::Clock;

use super::acceptor::Acceptor;
use super::entry::Entry;
use super::outstanding::{Load, Outstanding};
use super::reader_lease::{ReaderLease, ReaderLock};
use super::session::Session;
use super::stats::{Stats, add};
use super::stream::Stream;
use super::{Settings, Sink, Taken};

/// How long a reader waits for room before it lets others read.
const WAIT_FOR_ROOM: Duration = Duration::from_millis(50);

/// How long one that stands by waits before it looks whether the reader is gone.
const STAND_BY: Duration = Duration::from_millis(500);

/// How often a reader looks for entries that others have left, and trims.
const SWEEP: Duration = Duration::from_secs(10);

/// How long a reader waits for what is under way before it looks for what others have left.
const FLUSH: Duration = Duration::from_secs(1);

/// The most batches that wait for the acceptor.
const QUEUED: usize = 16;

/// How many entries are taken first.
const FIRST_READ: usize = 8;

/// Takes entries from a stream into a [`Sink`]. See the module.
pub struct Intake {
    settings: Settings,
    stream: Arc<Stream>,
    sink: Arc<dyn Sink>,
    clock: Clock,
    stats: Arc<Stats>,
    lock: ReaderLock,
}

/// A session under way.
struct Reading<'a> {
    session: &'a Session,
    outstanding: &'a Outstanding,
    batches: &'a mpsc::Sender<Vec<Taken>>,
}

/// Which pending entries are taken over.
enum Pending {
    /// Those that an earlier reader has left.
    Left,
    /// Those of a reply that was too large: nothing was done with them yet.
    Refused,
    /// Those that were taken so long ago.
    Idle(Duration),
}

/// Why a reader leaves off for a while.
enum Pause {
    /// The session is over, or there is no room.
    End,
    /// It is time to look for what others have left.
    Sweep,
    /// New entries were larger than a reply may be: they are pending.
    TooLarge,
}

/// How many entries are taken at a time. The size of the next ones is unknown: each is expected to be
/// as large as the largest of the last ones, and there has to be room for all of them.
struct BatchSize {
    /// More and more, up to the most that are taken at a time.
    count: usize,
    /// The bytes of the largest entry that was taken last.
    largest: usize,
}

impl Intake {
    /// An intake that connects when it runs.
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

    /// Returns the counters. They stay up to date.
    pub fn stats(&self) -> Arc<Stats> {
        self.stats.clone()
    }

    /// Returns how many entries of the stream the group has not taken yet; `None` where the server
    /// does not say: before Redis 7, and after entries were removed from the middle.
    ///
    /// # Errors
    ///
    /// Those of the server and of the connection.
    pub async fn lag(&self) -> Result<Option<u64>, RedisError> {
        self.stream.lag().await
    }

    /// Checks that the stream's server responds.
    ///
    /// # Errors
    ///
    /// Those of the server and of the connection.
    pub async fn reach(&self) -> Result<(), RedisError> {
        self.lock.reach().await
    }

    /// Reads until `stop`, whatever happens to the connection. What was taken by then is kept and
    /// acknowledged, if the store and the stream are within reach; then another process reads.
    pub async fn run(&self, stop: CancellationToken) {
        let mut failures = 0;
        while !stop.is_cancelled() {
            let began = Instant::now();
            match self.round(&stop).await {
                Ok(()) => failures = 0,
                Err(error) => {
                    failures = if began.elapsed() > SWEEP {
                        1
                    } else {
                        failures + 1
                    };
                    self.note_failure(&error);
                    stop.run_until_cancelled(sleep(delay(failures))).await;
                }
            }
        }
    }

    fn note_failure(&self, error: &RedisError) {
        let Settings {
            stream, address, ..
        } = &self.settings;
        tracing::warn!(%stream, redis = %address, %error, "reading the stream failed; trying again");
        add(&self.stats.failures, 1);
        self.stats.connected.store(false, Ordering::Relaxed);
    }

    /// Reads while this process has the reader's lease, or waits for it.
    async fn round(&self, stop: &CancellationToken) -> RedisResult<()> {
        if stop.run_until_cancelled(self.sink.room()).await.is_none() {
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
            // While some are being kept, as many again may be read.
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
        // Dropped with this future: then what is under way ends nowhere, as in a crash.
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
                // It ends first where it fails or the lease is lost. A read that waits for entries is
                // not left alone: what it takes then would be overtaken.
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

    /// Takes what is pending, then new entries, and looks for pending ones from time to time.
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

    /// Waits until there is room for an entry of so many bytes. Returns `None` if the session ends
    /// before, and where the sink has no room and nothing is under way: others may read then.
    async fn room(&self, bytes: usize, reading: &Reading<'_>) -> Option<Load> {
        let outstanding = reading.outstanding;
        while !reading.session.is_over() {
            let Ok(entries) = timeout(WAIT_FOR_ROOM, self.sink.room()).await else {
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

    /// Passes entries on to the acceptor. Those that were taken before are only accepted: their
    /// programs may be what ended the process then.
    async fn send(&self, entries: Vec<Entry>, redelivered: bool, reading: &Reading<'_>) {
        if entries.is_empty() {
            return;
        }
        let (now, max) = (self.clock.now(), self.settings.max_data_bytes);
        let origin = reading.session.origin();
        let read = |entry: Entry| entry.read(origin, redelivered, max, now);
        let entries: Vec<Taken> = entries.into_iter().map(read).collect();
        reading.outstanding.add(Load::of(&entries));
        // The acceptor is gone only where the session is over.
        let _ = reading.batches.send(entries).await;
    }

    /// A stream or a group that is gone ends the session, and no more: the next one makes them again,
    /// once what was taken of the stream before is kept.
    fn unless_replaced(&self, read: RedisResult<()>) -> RedisResult<()> {
        match read {
            // The server unblocks a reader that waits when the stream is removed.
            Err(error) if matches!(error.code(), Some("NOGROUP" | "UNBLOCKED")) => {
                let Settings { stream, group, .. } = &self.settings;
                tracing::warn!(%stream, %group, "the consumer group is gone");
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

    /// Takes what is pending, of any consumer. Returns whether it has taken all: what it has not may not
    /// be overtaken, and is taken in the next session. No other process reads now; if an earlier reader goes on
    /// all the same, both keep the same events.
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

    /// Takes pending entries over, as many at a time as there is room for. Returns whether there was
    /// room for all.
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
            left = &left[claimed.looked_at.clamp(1, most)..];
            add(&self.stats.claimed, claimed.entries.len());
            self.acknowledge_vanished(&claimed.vanished, reading)
                .await?;
            self.send(claimed.entries, redelivered, reading).await;
        }
        Ok(true)
    }

    /// What was removed from the stream while it was pending cannot be taken any more.
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
            let error = "the task that keeps entries was interrupted";
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
