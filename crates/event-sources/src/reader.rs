//! The loop that reads.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use redis::{RedisError, RedisResult};
use redis_link::delay;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use webhook_model::Clock;

use super::baton::{Baton, Place};
use super::entry::Entry;
use super::giver::Giver;
use super::queue::Load;
use super::stats::{Stats, add};
use super::stream::{Pending, Stream};
use super::tasks::Tasks;
use super::turn::Turn;
use super::{Settings, Sink};

/// How long a reader waits for room before it lets others read.
const WAIT_FOR_ROOM: Duration = Duration::from_millis(50);

/// How long a tenant's entries may wait in memory, where there is no room, before it is set aside.
const SLOW: Duration = Duration::from_millis(250);

/// How long one that stands by waits before it looks whether the reader is gone.
const STAND_BY: Duration = Duration::from_millis(500);

/// How often a reader looks for entries that others have left, and trims.
const SWEEP: Duration = Duration::from_secs(10);

/// How many pending entries are looked up at a time: the server holds them up for all others then.
const LOOKED_UP: usize = 64;

/// How many entries are taken first.
const FIRST_READ: usize = 8;

/// How many entries are taken at a time. The size of the next ones is unknown: each is expected to be
/// as large as the largest of the last ones, and there has to be room for all of them.
struct Pace {
    /// More and more, up to the most that are taken at a time.
    count: usize,
    /// The bytes of the largest entry that was taken last.
    largest: usize,
}

/// Takes entries from a stream into a [`Sink`]. See the module.
pub struct Intake {
    giver: Arc<Giver>,
    place: Place,
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
            place: Place::new(link, key, group, owner.clone(), *lease),
            giver: Arc::new(Giver {
                settings,
                stream,
                sink,
                clock,
                stats: Arc::default(),
                suspect: Mutex::default(),
            }),
        }
    }

    /// What has been done so far. It stays up to date.
    pub fn stats(&self) -> Arc<Stats> {
        self.giver.stats.clone()
    }

    /// How many entries of the stream the group has not taken yet; `None` where the server does not
    /// say: before Redis 7, and after entries were removed from the middle.
    ///
    /// # Errors
    ///
    /// Those of the server and of the connection.
    pub async fn lag(&self) -> Result<Option<u64>, RedisError> {
        self.stream().lag().await
    }

    /// Checks that the stream's server responds.
    ///
    /// # Errors
    ///
    /// Those of the server and of the connection.
    pub async fn reach(&self) -> Result<(), RedisError> {
        self.place.reach().await
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
        } = self.settings();
        tracing::warn!(%stream, redis = %address, %error, "reading the stream failed; trying again");
        add(&self.counters().failures, 1);
        self.counters().connected.store(false, Ordering::Relaxed);
    }

    /// Reads while it is this process's turn, or waits for it.
    async fn round(&self, stop: &CancellationToken) -> RedisResult<()> {
        if stop
            .run_until_cancelled(self.giver.sink.room())
            .await
            .is_none()
        {
            return Ok(());
        }
        let Some(baton) = self.place.take().await? else {
            self.counters().connected.store(true, Ordering::Relaxed);
            let wait = self.place.wait(self.stream().waiting(), STAND_BY);
            return stop.run_until_cancelled(wait).await.unwrap_or(Ok(()));
        };
        self.counters().connected.store(true, Ordering::Relaxed);
        self.counters().reading.store(true, Ordering::Relaxed);
        let read = self.read(&baton, stop).await;
        self.counters().reading.store(false, Ordering::Relaxed);
        let handed_over = self.place.hand_over(baton).await;
        read.and(handed_over)
    }

    async fn read(&self, baton: &Baton, stop: &CancellationToken) -> RedisResult<()> {
        let origin = self.stream().prepare().await?;
        let turn = Turn::new(origin, baton.lost().clone(), stop.clone());
        let mut tasks = Tasks::new(self.giver.clone(), turn.clone());
        let read = self.read_on(&mut tasks, &turn).await;
        let read = self.unless_replaced(read);
        let finished = tasks.finish(read.is_err()).await;
        read.and(finished)
    }

    /// Reads until the turn is over, there is no room, or the stream is removed.
    async fn read_on(&self, tasks: &mut Tasks, turn: &Turn) -> RedisResult<()> {
        self.recover(None, tasks, turn).await?;
        let mut swept = Instant::now();
        let mut pace = Pace::default();
        while !turn.is_over() {
            tasks.check()?;
            if swept.elapsed() >= SWEEP.min(self.settings().min_idle) {
                self.sweep(tasks, turn).await?;
                swept = Instant::now();
            }
            let Ok(places) = timeout(WAIT_FOR_ROOM, self.giver.sink.room()).await else {
                if tasks.queues().are_empty() {
                    return Ok(());
                }
                // What is under way would be waited for, and nobody would read meanwhile.
                continue;
            };
            let room = tasks.queues().room(places);
            if !pace.fits(room, self.settings().max_bytes) {
                tasks.queues().set_slow_aside(SLOW);
                tasks.queues().change(WAIT_FOR_ROOM).await;
                continue;
            }
            let count = pace.count(room);
            let taken = self.stream().read_new(count, self.settings().block).await?;
            let Some(entries) = taken else {
                // They are claimed by their sizes, like those that an earlier reader left.
                pace.count = 1;
                self.recover(None, tasks, turn).await?;
                continue;
            };
            pace.next(&entries, self.stream().max_read());
            tasks.read(entries);
        }
        Ok(())
    }

    fn settings(&self) -> &Settings {
        &self.giver.settings
    }

    fn stream(&self) -> &Stream {
        &self.giver.stream
    }

    fn counters(&self) -> &Stats {
        &self.giver.stats
    }

    /// A stream or a group that is gone ends the turn, and no more: the next turn makes them again,
    /// once what was taken of the stream before is planned.
    fn unless_replaced(&self, read: RedisResult<()>) -> RedisResult<()> {
        match read {
            // A reader that waits when the stream is removed is told that it no longer waits.
            Err(error) if matches!(error.code(), Some("NOGROUP" | "UNBLOCKED")) => {
                let Settings { stream, group, .. } = self.settings();
                tracing::warn!(%stream, %group, "the consumer group is gone");
                Ok(())
            }
            other => other,
        }
    }

    /// Takes what others have left, and removes what nobody needs.
    async fn sweep(&self, tasks: &mut Tasks, turn: &Turn) -> RedisResult<()> {
        self.recover(Some(self.settings().min_idle), tasks, turn)
            .await?;
        if self.settings().trim {
            add(&self.counters().trimmed, self.stream().trim().await?);
        }
        Ok(())
    }

    /// Has the tasks take what is pending, of any consumer, and not theirs already; with `idle` only
    /// what was left that long ago.
    ///
    /// Whoever took it is not at it any more, as only one reads at a time; and if it is (see the
    /// module), what both of them plan is planned once.
    async fn recover(
        &self,
        idle: Option<Duration>,
        tasks: &mut Tasks,
        turn: &Turn,
    ) -> RedisResult<()> {
        let known = tasks.ids();
        let mut behind: Option<String> = None;
        while !turn.is_over() {
            tasks.check()?;
            if tasks.queues().are_many_left() {
                turn.unless_over(tasks.queues().change(WAIT_FOR_ROOM)).await;
                continue;
            }
            let count = self.settings().max_entries;
            let behind_id = behind.as_deref();
            let mut pending = self.stream().pending(behind_id, idle, count).await?;
            let Some(last) = pending.last() else { break };
            behind = Some(last.id.clone());
            pending.retain(|pending| !known.contains(&pending.id));
            let alike = pending.chunk_by(|one, other| one.deliveries == other.deliveries);
            for some in alike.flat_map(|some| some.chunks(LOOKED_UP)) {
                self.take_over(some, tasks, turn).await?;
            }
        }
        Ok(())
    }

    /// Looks up whose these pending entries are, which were all taken equally often, and has the
    /// tasks take them.
    async fn take_over(
        &self,
        pending: &[Pending],
        tasks: &mut Tasks,
        turn: &Turn,
    ) -> RedisResult<()> {
        let ids: Vec<&str> = pending.iter().map(|pending| pending.id.as_str()).collect();
        let deliveries = pending.first().map_or(0, |pending| pending.deliveries);
        // They are not given to anybody yet, and so count as before.
        let found = self.stream().look_up(&ids, deliveries).await?;
        let there: Vec<&str> = found.iter().map(|found| found.id.as_str()).collect();
        self.giver.acknowledge_vanished(&ids, &there, turn).await?;
        tasks.left(found, deliveries);
        Ok(())
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            count: FIRST_READ,
            largest: 1024,
        }
    }
}

impl Pace {
    /// Whether there is room for another entry.
    fn fits(&self, room: Load, most: usize) -> bool {
        room.entries > 0 && room.bytes >= self.largest.clamp(1, most)
    }

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
