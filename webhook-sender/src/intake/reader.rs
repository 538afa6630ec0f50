//! The loop that reads.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use redis::{RedisError, RedisResult};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::baton::{Baton, Place};
use super::entry::Entry;
use super::stats::{Stats, add};
use super::stream::{Pending, Stream};
use super::{Settings, Sink, SinkError, Taken};
use crate::model::Clock;
use crate::store::redis::delay;

/// How long a reader waits for room before it lets others read.
const WAIT_FOR_ROOM: Duration = Duration::from_millis(50);

/// How long one that stands by waits before it looks whether the reader is gone.
const STAND_BY: Duration = Duration::from_millis(500);

/// How often a reader looks for entries that others have left, and trims.
const SWEEP: Duration = Duration::from_secs(10);

/// From so many deliveries on an entry is taken by itself: whatever else was taken with it when it
/// was not planned is not to blame.
const SUSPECT: u64 = 2;

/// Takes entries from a stream into a [`Sink`]. See the module.
pub struct Intake {
    settings: Settings,
    stream: Stream,
    place: Place,
    sink: Arc<dyn Sink>,
    clock: Clock,
    stats: Arc<Stats>,
}

/// What came of giving entries to the sink.
struct Given {
    /// Durable: to be acknowledged.
    durable: Vec<String>,
    /// Whether some have failed and are left pending.
    failed: bool,
}

impl Intake {
    /// An intake that connects when it runs.
    pub fn new(settings: Settings, sink: Arc<dyn Sink>, clock: Clock) -> Self {
        let Settings {
            address,
            stream,
            group,
            owner,
            lease,
            block,
            ..
        } = &settings;
        let place = |link| Place::new(link, stream, group, owner.clone(), *lease);
        let stream = Stream::new(address.clone(), stream, group, &owner.name, *block);
        Self {
            place: place(stream.link().clone()),
            stream,
            settings,
            sink,
            clock,
            stats: Arc::default(),
        }
    }

    /// What has been done so far. It stays up to date.
    pub fn stats(&self) -> Arc<Stats> {
        self.stats.clone()
    }

    /// How many entries of the stream the group has not taken yet; `None` where the server does not
    /// say: before Redis 7, and after entries were removed from the middle.
    ///
    /// # Errors
    ///
    /// Those of the server and of the connection.
    pub async fn lag(&self) -> Result<Option<u64>, RedisError> {
        self.stream.lag().await
    }

    /// Reads until `stop`, whatever happens to the connection. What was taken by then is planned
    /// and acknowledged, if the store and the stream are within reach; then another process reads.
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
                    stop.run_until_cancelled(tokio::time::sleep(delay(failures)))
                        .await;
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

    /// Reads while it is this process's turn, or waits for it.
    async fn round(&self, stop: &CancellationToken) -> RedisResult<()> {
        if stop.run_until_cancelled(self.sink.room()).await.is_none() {
            return Ok(());
        }
        let Some(baton) = self.place.take().await? else {
            self.stats.connected.store(true, Ordering::Relaxed);
            let wait = self.place.wait(self.stream.waiting(), STAND_BY);
            return stop.run_until_cancelled(wait).await.unwrap_or(Ok(()));
        };
        self.stats.connected.store(true, Ordering::Relaxed);
        self.stats.reading.store(true, Ordering::Relaxed);
        let read = self.read(&baton, stop).await;
        self.stats.reading.store(false, Ordering::Relaxed);
        let handed_over = self.place.hand_over(baton).await;
        read.and(handed_over)
    }

    async fn read(&self, baton: &Baton, stop: &CancellationToken) -> RedisResult<()> {
        let turn = Turn {
            lost: baton.lost(),
            stop,
        };
        self.recover(None, &turn).await?;
        let mut swept = Instant::now();
        let mut entry_bytes = 1024;
        let mut durable: Vec<String> = Vec::new();
        while !turn.is_over() {
            if swept.elapsed() >= SWEEP.min(self.settings.min_idle) {
                self.acknowledge(std::mem::take(&mut durable)).await?;
                self.sweep(&turn).await?;
                swept = Instant::now();
            }
            let Ok(room) = timeout(WAIT_FOR_ROOM, self.sink.room()).await else {
                break;
            };
            let count = self.count(room, entry_bytes);
            // The acknowledgement of the last entries costs no time of its own.
            let (acknowledged, entries) = tokio::join!(
                self.acknowledge(std::mem::take(&mut durable)),
                self.stream.read_new(count, self.settings.block),
            );
            acknowledged?;
            let Some(entries) = self.unless_no_group(entries).await? else {
                continue;
            };
            if entries.is_empty() {
                continue;
            }
            entry_bytes = entries.iter().map(Entry::bytes).sum::<usize>() / entries.len();
            let given = self.give(self.read_all(entries), &turn).await;
            durable = given.durable;
            if given.failed {
                self.acknowledge(std::mem::take(&mut durable)).await?;
                self.recover(None, &turn).await?;
            }
        }
        self.acknowledge(durable).await
    }

    /// How many entries to take: as many as there is room for, within bounds.
    fn count(&self, room: usize, entry_bytes: usize) -> usize {
        let by_bytes = self.settings.max_bytes / entry_bytes.max(1);
        room.min(self.settings.max_entries).min(by_bytes).max(1)
    }

    /// The answer, or `None` where there was no group: there is one now.
    async fn unless_no_group<T>(&self, answer: RedisResult<T>) -> RedisResult<Option<T>> {
        match answer {
            Ok(answer) => Ok(Some(answer)),
            // A reader that waits when the stream is removed is told that it no longer waits.
            Err(error) if matches!(error.code(), Some("NOGROUP" | "UNBLOCKED")) => {
                let Settings { stream, group, .. } = &self.settings;
                tracing::info!(%stream, %group, "making the consumer group");
                self.stream.make_group().await.map(|()| None)
            }
            Err(error) => Err(error),
        }
    }

    fn read_all(&self, entries: Vec<Entry>) -> Vec<Taken> {
        let now = self.clock.now();
        let read = |entry: Entry| entry.read(self.settings.max_data_bytes, now);
        entries.into_iter().map(read).collect()
    }

    /// Gives entries to the sink until each is durable or has failed. While the store is out of
    /// reach it goes on trying, for as long as it is this process's turn.
    async fn give(&self, mut taken: Vec<Taken>, turn: &Turn<'_>) -> Given {
        let mut given = Given {
            durable: Vec::with_capacity(taken.len()),
            failed: false,
        };
        add(&self.stats.taken, taken.len());
        let mut failures = 0;
        loop {
            let answers = self.sink.take(taken.clone()).await;
            let missing = SinkError::Failed("it was not answered for".into());
            let answers = answers.into_iter().chain(std::iter::repeat(Err(missing)));
            let mut again = Vec::new();
            let mut reason = String::new();
            for (taken, answer) in taken.into_iter().zip(answers) {
                match answer {
                    Ok(()) => {
                        add(&self.stats.rejected, taken.content.is_err().into());
                        given.durable.push(taken.id);
                    }
                    Err(SinkError::Unavailable(error)) => {
                        again.push(taken);
                        reason = error;
                    }
                    Err(SinkError::Failed(error)) => {
                        tracing::warn!(entry = taken.id, %error, "an entry was not planned");
                        given.failed = true;
                    }
                }
            }
            if again.is_empty() || turn.is_over() {
                return given;
            }
            failures += 1;
            tracing::warn!(entries = again.len(), %reason, "entries wait for the store");
            turn.sleep(delay(failures)).await;
            taken = again;
        }
    }

    async fn acknowledge(&self, ids: Vec<String>) -> RedisResult<()> {
        for some in ids.chunks(1024) {
            let ids: Vec<&str> = some.iter().map(String::as_str).collect();
            add(
                &self.stats.acknowledged,
                self.stream.acknowledge(&ids).await?,
            );
        }
        Ok(())
    }

    /// Takes what others have left, and removes what nobody needs.
    async fn sweep(&self, turn: &Turn<'_>) -> RedisResult<()> {
        self.recover(Some(self.settings.min_idle), turn).await?;
        if self.settings.trim {
            let trimmed = self.stream.trim().await;
            add(
                &self.stats.trimmed,
                self.unless_no_group(trimmed).await?.unwrap_or_default(),
            );
        }
        Ok(())
    }

    /// Takes what is pending, of any consumer, until nothing is; with `idle` only what was left that
    /// long ago.
    ///
    /// Whoever took it is not at it any more, as only one reads at a time; and if it is (see the
    /// module), what both of them plan is planned once.
    async fn recover(&self, idle: Option<Duration>, turn: &Turn<'_>) -> RedisResult<()> {
        let mut failures = 0;
        loop {
            let mut failed = false;
            let mut behind: Option<String> = None;
            while !turn.is_over() {
                let Some(room) = turn.unless_over(self.sink.room()).await else {
                    return Ok(());
                };
                let count = self.count(room, 1);
                let pending = self.stream.pending(behind.as_deref(), idle, count).await;
                let Some(pending) = self.unless_no_group(pending).await? else {
                    return Ok(());
                };
                let Some(last) = pending.last() else { break };
                behind = Some(last.id.clone());
                failed |= self.take_again(pending, turn).await?;
            }
            if !failed || turn.is_over() {
                return Ok(());
            }
            failures += 1;
            turn.sleep(delay(failures)).await;
        }
    }

    /// Answers whether some have failed.
    async fn take_again(&self, pending: Vec<Pending>, turn: &Turn<'_>) -> RedisResult<bool> {
        let mut failed = false;
        let suspect = |pending: &Pending| pending.deliveries >= SUSPECT;
        for some in pending.chunk_by(|one, other| !suspect(one) && !suspect(other)) {
            if turn.is_over() {
                return Ok(failed);
            }
            let ids: Vec<&str> = some.iter().map(|pending| pending.id.as_str()).collect();
            let entries = self.stream.claim(&ids).await?;
            add(&self.stats.claimed, entries.len());
            self.acknowledge_vanished(&ids, &entries).await?;
            let poison = some
                .iter()
                .find(|one| one.deliveries >= self.settings.max_deliveries);
            let taken = match poison {
                Some(poison) => self.give_up(entries, poison.deliveries),
                None => self.read_all(entries),
            };
            let given = self.give(taken, turn).await;
            failed |= given.failed;
            self.acknowledge(given.durable).await?;
        }
        Ok(failed)
    }

    fn give_up(&self, entries: Vec<Entry>, deliveries: u64) -> Vec<Taken> {
        let now = self.clock.now();
        add(&self.stats.poison, entries.len());
        for entry in &entries {
            tracing::error!(entry = entry.id, deliveries, "giving up an entry as poison");
        }
        entries
            .into_iter()
            .map(|entry| entry.give_up(deliveries, self.settings.max_data_bytes, now))
            .collect()
    }

    /// What was removed from the stream while it was pending cannot be taken any more.
    async fn acknowledge_vanished(&self, ids: &[&str], entries: &[Entry]) -> RedisResult<()> {
        let is_there = |id: &str| entries.iter().any(|entry| entry.id == id);
        let vanished: Vec<&str> = ids.iter().copied().filter(|id| !is_there(id)).collect();
        if !vanished.is_empty() {
            tracing::warn!(entries = ?vanished, "pending entries were removed from the stream");
            add(&self.stats.vanished, vanished.len());
            self.stream.acknowledge(&vanished).await?;
        }
        Ok(())
    }
}

/// How long this process may go on.
struct Turn<'a> {
    lost: &'a CancellationToken,
    stop: &'a CancellationToken,
}

impl Turn<'_> {
    fn is_over(&self) -> bool {
        self.lost.is_cancelled() || self.stop.is_cancelled()
    }

    /// Waits for something, unless the turn is over before.
    async fn unless_over<T>(&self, event: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.lost.cancelled() => None,
            () = self.stop.cancelled() => None,
            outcome = event => Some(outcome),
        }
    }

    async fn sleep(&self, duration: Duration) {
        self.unless_over(tokio::time::sleep(duration)).await;
    }
}
