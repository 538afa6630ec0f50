//! The task that gives a tenant's entries to the sink.

use std::sync::Arc;
use std::time::Duration;

use redis::RedisResult;
use redis_link::delay;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;
use webhook_model::Clock;

use super::entry::Entry;
use super::queue::{Group, SUSPECT};
use super::queues::{Key, Queues};
use super::stats::{Stats, add};
use super::stream::{Stream, parse_id};
use super::turn::Turn;
use super::{Settings, Sink, SinkError, Taken};

/// What every such task works with.
pub(super) struct Giver {
    pub settings: Settings,
    pub stream: Stream,
    pub sink: Arc<dyn Sink>,
    pub clock: Clock,
    pub stats: Arc<Stats>,
    /// Whoever gives a suspect: if it kills this process, it alone counts as taken once more.
    pub suspect: Mutex<()>,
}

/// What came of giving entries to the sink.
#[derive(Default)]
struct Given {
    /// Durable: to be acknowledged.
    durable: Vec<String>,
    /// To be given again, and how often they were taken.
    failed: Vec<(String, u64)>,
    /// Whether any is left to the next reader, and what is behind it in the queue with it.
    left: bool,
}

/// How many entries are given in one call: more and more while calls are short, so that the first
/// calls of a tenant whose entries take long end soon.
struct Pace(usize);

impl Giver {
    /// Gives a tenant's entries until none waits, each until it is durable or given up.
    ///
    /// # Errors
    ///
    /// Those of the server and of the connection. What was not acknowledged is pending.
    pub(super) async fn drain(
        self: Arc<Self>,
        queues: Arc<Queues>,
        key: Key,
        turn: Turn,
    ) -> RedisResult<()> {
        let mut pace = Pace::START;
        let mut failures = 0;
        let mut durable = Vec::new();
        let mut freed = queues.freed();
        loop {
            if queues.is_left(&key) {
                // There may be no room for long.
                self.acknowledge(std::mem::take(&mut durable), &turn)
                    .await?;
            }
            let Some(most) = self.most(&queues, &key, &pace, &turn).await else {
                break;
            };
            let group = match queues.next(&key, most) {
                Some(Group::Full) => match turn.unless_over(freed.changed()).await {
                    Some(Ok(())) => continue,
                    _ => break,
                },
                Some(group) => group,
                None => break,
            };
            let began = Instant::now();
            // The acknowledgement of the last entries costs no time of its own.
            let (acknowledged, given) = tokio::join!(
                self.acknowledge(std::mem::take(&mut durable), &turn),
                self.group(group, &turn),
            );
            acknowledged?;
            let given = given?;
            pace.next(began.elapsed());
            durable = given.durable;
            failures = match given.failed.is_empty() {
                true => 0,
                false => failures + 1,
            };
            if !queues.given(&key, given.failed) || given.left {
                break;
            }
            if failures > 0 {
                self.acknowledge(std::mem::take(&mut durable), &turn)
                    .await?;
                turn.sleep(delay(failures)).await;
            }
        }
        self.acknowledge(durable, &turn).await
    }

    /// How many entries to give next. What is to be claimed waits for room first: `None` if the turn
    /// ends before there is any.
    async fn most(&self, queues: &Queues, key: &Key, pace: &Pace, turn: &Turn) -> Option<usize> {
        let most = pace.0.min(self.settings.max_entries);
        if !queues.is_left(key) {
            return Some(most);
        }
        let places = turn.unless_over(self.sink.room()).await?;
        Some(most.min(places))
    }

    async fn group(&self, group: Group, turn: &Turn) -> RedisResult<Given> {
        let (ids, deliveries) = match group {
            Group::Read(taken) => return Ok(self.give(taken, 1, None, turn).await),
            Group::Left(ids, deliveries) => (ids, deliveries),
            Group::Full => return Ok(Given::default()),
        };
        let alone = match deliveries >= SUSPECT {
            true => match turn.unless_over(self.suspect.lock()).await {
                None => return Ok(Given::nothing()),
                alone => alone,
            },
            false => None,
        };
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let entries = self.stream.claim(&ids, deliveries + 1).await?;
        add(&self.stats.claimed, entries.len());
        let there: Vec<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
        self.acknowledge_vanished(&ids, &there, turn).await?;
        let taken = match deliveries >= self.settings.max_deliveries {
            true => self.give_up(entries, deliveries, turn),
            false => self.read_all(entries, turn),
        };
        Ok(self.give(taken, deliveries + 1, alone, turn).await)
    }

    pub(super) fn read_all(&self, entries: Vec<Entry>, turn: &Turn) -> Vec<Taken> {
        let (now, max) = (self.clock.now(), self.settings.max_data_bytes);
        let read = |entry: Entry| entry.read(turn.origin(), max, now);
        entries.into_iter().map(read).collect()
    }

    fn give_up(&self, entries: Vec<Entry>, deliveries: u64, turn: &Turn) -> Vec<Taken> {
        let (now, max) = (self.clock.now(), self.settings.max_data_bytes);
        add(&self.stats.poison, entries.len());
        let give_up = |entry: Entry| {
            tracing::error!(entry = entry.id, deliveries, "giving up an entry as poison");
            entry.give_up(turn.origin(), deliveries, max, now)
        };
        entries.into_iter().map(give_up).collect()
    }

    /// Gives entries to the sink until each is durable or has failed. While the store is out of
    /// reach it goes on trying, for as long as it is this process's turn.
    async fn give(
        &self,
        mut taken: Vec<Taken>,
        deliveries: u64,
        mut alone: Option<MutexGuard<'_, ()>>,
        turn: &Turn,
    ) -> Given {
        let mut given = Given::default();
        add(&self.stats.taken, taken.len());
        let mut failures = 0;
        loop {
            let answers = self.sink.take(taken.clone()).await;
            drop(alone.take());
            let (again, reason) = self.sort(taken, answers, deliveries, &mut given);
            if again.is_empty() {
                break;
            }
            if failures == 0 {
                self.acquit(&again, deliveries).await;
            }
            if turn.is_over() {
                given.left = true;
                break;
            }
            failures += 1;
            tracing::warn!(entries = again.len(), %reason, "entries wait for the store");
            turn.sleep(delay(failures)).await;
            taken = again;
        }
        // Those of a later call may stand before those of an earlier one.
        given.failed.sort_by_key(|(id, _)| parse_id(id));
        given
    }

    /// Has entries that were claimed count as before: that the store is out of reach is not their
    /// fault. Where the stream is so as well they are not claimed again either.
    async fn acquit(&self, taken: &[Taken], deliveries: u64) {
        if deliveries > 1 {
            let ids: Vec<&str> = taken.iter().map(|taken| taken.id.as_str()).collect();
            if let Err(error) = self.stream.recount(&ids, deliveries - 1).await {
                tracing::debug!(%error, "entries count as taken once more");
            }
        }
    }

    /// Sorts entries by what the sink answered. What waits for the store is answered, and why.
    fn sort(
        &self,
        taken: Vec<Taken>,
        answers: Vec<Result<(), SinkError>>,
        deliveries: u64,
        given: &mut Given,
    ) -> (Vec<Taken>, String) {
        let missing = SinkError::Failed("it was not answered for".into());
        let answers = answers.into_iter().chain(std::iter::repeat(Err(missing)));
        let (mut again, mut reason) = (Vec::new(), String::new());
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
                    given.failed.push((taken.id, deliveries));
                }
            }
        }
        (again, reason)
    }

    async fn acknowledge(&self, ids: Vec<String>, turn: &Turn) -> RedisResult<()> {
        for some in ids.chunks(1024) {
            let ids: Vec<&str> = some.iter().map(String::as_str).collect();
            let acknowledged = self.stream.acknowledge(turn.origin(), &ids).await?;
            add(&self.stats.acknowledged, acknowledged);
        }
        Ok(())
    }

    /// What was removed from the stream while it was pending cannot be taken any more.
    pub(super) async fn acknowledge_vanished(
        &self,
        ids: &[&str],
        there: &[&str],
        turn: &Turn,
    ) -> RedisResult<()> {
        let vanished = ids.iter().copied().filter(|id| !there.contains(id));
        let vanished: Vec<&str> = vanished.collect();
        if !vanished.is_empty() {
            let entries = vanished.join(" ");
            tracing::warn!(entries, "pending entries were removed from the stream");
            add(&self.stats.vanished, vanished.len());
            self.stream.acknowledge(turn.origin(), &vanished).await?;
        }
        Ok(())
    }
}

impl Given {
    /// The turn is over.
    fn nothing() -> Self {
        Self {
            left: true,
            ..Self::default()
        }
    }
}

impl Pace {
    const START: Self = Self(64);

    /// Up to here a call is short, and from there on long.
    const SHORT: Duration = Duration::from_millis(25);
    const LONG: Duration = Duration::from_millis(50);

    fn next(&mut self, took: Duration) {
        if took < Self::SHORT {
            self.0 = self.0.saturating_mul(2).min(1 << 16);
        } else if took > Self::LONG {
            self.0 = (self.0 / 2).max(1);
        }
    }
}
