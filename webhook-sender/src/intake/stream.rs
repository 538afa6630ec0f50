//! Every command on the stream and its group.

use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, FromRedisValue, RedisResult};

use super::entry::Entry;
use crate::store::redis::{Address, Link};

/// How long the answer to a command may take that does not wait.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// A stream and a group of it, as one consumer sees it.
pub(super) struct Stream {
    /// For commands that wait for entries: nothing else may be behind them.
    waiting: Link,
    link: Arc<Link>,
    key: String,
    group: String,
    consumer: String,
}

/// An entry that was taken and not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pending {
    pub id: String,
    pub consumer: String,
    pub idle_ms: u64,
    /// How often it was taken.
    pub deliveries: u64,
}

type RawEntry = (String, Option<Vec<(Vec<u8>, Vec<u8>)>>);

impl Stream {
    pub(super) fn new(
        address: Address,
        key: &str,
        group: &str,
        consumer: &str,
        block: Duration,
    ) -> Self {
        Self {
            waiting: Link::new(address.clone(), block + RESPONSE_TIMEOUT),
            link: Arc::new(Link::new(address, RESPONSE_TIMEOUT)),
            key: key.into(),
            group: group.into(),
            consumer: consumer.into(),
        }
    }

    /// The way to the server for commands that do not wait.
    pub(super) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// The way for commands that do.
    pub(super) fn waiting(&self) -> &Link {
        &self.waiting
    }

    /// Makes the group, and the stream if there is none. The group begins with the oldest entry.
    pub(super) async fn make_group(&self) -> RedisResult<()> {
        let mut command = redis::cmd("XGROUP");
        command
            .arg("CREATE")
            .arg(&self.key)
            .arg(&self.group)
            .arg("0")
            .arg("MKSTREAM");
        match self.link.ask(&command).await {
            Err(error) if error.code() == Some("BUSYGROUP") => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// Takes new entries, at most `count`; waits up to `block` for the first.
    pub(super) async fn read_new(&self, count: usize, block: Duration) -> RedisResult<Vec<Entry>> {
        let mut command = redis::cmd("XREADGROUP");
        command
            .arg("GROUP")
            .arg(&self.group)
            .arg(&self.consumer)
            .arg("COUNT")
            .arg(count);
        command
            .arg("BLOCK")
            .arg(u64::try_from(block.as_millis()).unwrap_or(u64::MAX).max(1));
        command.arg("STREAMS").arg(&self.key).arg(">");
        let answer = self.waiting.ask(&command).await?;
        let streams: Option<Vec<(Vec<u8>, Vec<RawEntry>)>> = redis::from_redis_value(answer)?;
        let entries = streams
            .into_iter()
            .flatten()
            .flat_map(|(_, entries)| entries);
        Ok(entries.map(entry).collect())
    }

    /// What is pending of the whole group behind an id, in the order of the stream. With `idle` only
    /// what was taken longer ago.
    pub(super) async fn pending(
        &self,
        behind: Option<&str>,
        idle: Option<Duration>,
        count: usize,
    ) -> RedisResult<Vec<Pending>> {
        let mut command = redis::cmd("XPENDING");
        command.arg(&self.key).arg(&self.group);
        if let Some(idle) = idle {
            command
                .arg("IDLE")
                .arg(u64::try_from(idle.as_millis()).unwrap_or(u64::MAX));
        }
        command
            .arg(behind.map_or("-".into(), |id| format!("({id}")))
            .arg("+")
            .arg(count);
        let rows: Vec<(String, String, u64, u64)> = self.ask(&command).await?;
        let pending = |(id, consumer, idle_ms, deliveries)| Pending {
            id,
            consumer,
            idle_ms,
            deliveries,
        };
        Ok(rows.into_iter().map(pending).collect())
    }

    /// Takes pending entries over, whoever has them. They count as taken `deliveries` times from now
    /// on. Those that are no longer in the stream are not among the answers.
    pub(super) async fn claim(&self, ids: &[&str], deliveries: u64) -> RedisResult<Vec<Entry>> {
        // Before Redis 7 a removed entry is answered as nothing at all.
        let rows: Vec<Option<RawEntry>> = self.ask(&self.xclaim(ids, deliveries)).await?;
        let there = rows
            .into_iter()
            .flatten()
            .filter(|(_, fields)| fields.is_some());
        Ok(there.map(entry).collect())
    }

    /// Has pending entries count as taken `deliveries` times.
    pub(super) async fn recount(&self, ids: &[&str], deliveries: u64) -> RedisResult<()> {
        self.ask(self.xclaim(ids, deliveries).arg("JUSTID")).await
    }

    fn xclaim(&self, ids: &[&str], deliveries: u64) -> Cmd {
        let mut command = redis::cmd("XCLAIM");
        command.arg(&self.key).arg(&self.group).arg(&self.consumer);
        command.arg(0).arg(ids).arg("RETRYCOUNT").arg(deliveries);
        command
    }

    pub(super) async fn acknowledge(&self, ids: &[&str]) -> RedisResult<usize> {
        if ids.is_empty() {
            return Ok(0);
        }
        let mut command = redis::cmd("XACK");
        command.arg(&self.key).arg(&self.group).arg(ids);
        self.ask(&command).await
    }

    /// How many entries the group has not taken yet; `None` where the server does not say: before
    /// Redis 7, and after entries were removed from the middle.
    pub(super) async fn lag(&self) -> RedisResult<Option<u64>> {
        let groups = self.groups().await?;
        Ok(groups
            .into_iter()
            .find(|group| group.name == self.group)
            .and_then(|group| group.lag))
    }

    /// Removes what every group has acknowledged. Answers how many entries.
    pub(super) async fn trim(&self) -> RedisResult<usize> {
        let mut oldest: Option<(u64, u64)> = None;
        for group in self.groups().await? {
            let needed = match group.pending {
                0 => parse_id(&group.last_delivered),
                _ => self
                    .oldest_pending(&group.name)
                    .await?
                    .as_deref()
                    .and_then(parse_id),
            };
            // A group that cannot be told apart from one that needs everything keeps everything.
            let Some(needed) = needed else { return Ok(0) };
            oldest = Some(oldest.map_or(needed, |oldest| oldest.min(needed)));
        }
        let Some((ms, sequence)) = oldest else {
            return Ok(0);
        };
        let mut command = redis::cmd("XTRIM");
        command
            .arg(&self.key)
            .arg("MINID")
            .arg("~")
            .arg(format!("{ms}-{sequence}"));
        self.ask(&command).await
    }

    async fn oldest_pending(&self, group: &str) -> RedisResult<Option<String>> {
        let mut command = redis::cmd("XPENDING");
        command.arg(&self.key).arg(group).arg("-").arg("+").arg(1);
        let rows: Vec<(String, String, u64, u64)> = self.ask(&command).await?;
        Ok(rows.into_iter().next().map(|(id, ..)| id))
    }

    async fn groups(&self) -> RedisResult<Vec<Group>> {
        let mut command = redis::cmd("XINFO");
        command.arg("GROUPS").arg(&self.key);
        let rows: Vec<Vec<redis::Value>> = self.ask(&command).await?;
        Ok(rows.into_iter().map(Group::read).collect())
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        Ok(redis::from_redis_value(self.link.ask(command).await?)?)
    }
}

/// What the server says of a group.
#[derive(Default)]
struct Group {
    name: String,
    pending: u64,
    last_delivered: String,
    lag: Option<u64>,
}

impl Group {
    /// Names and values in turn, of which newer servers have more.
    fn read(row: Vec<redis::Value>) -> Self {
        let mut group = Self::default();
        let mut row = row.into_iter();
        while let (Some(name), Some(value)) = (row.next(), row.next()) {
            let name: String = redis::from_redis_value(name).unwrap_or_default();
            match name.as_str() {
                "name" => group.name = redis::from_redis_value(value).unwrap_or_default(),
                "pending" => group.pending = redis::from_redis_value(value).unwrap_or_default(),
                "last-delivered-id" => {
                    group.last_delivered = redis::from_redis_value(value).unwrap_or_default();
                }
                "lag" => group.lag = redis::from_redis_value(value).unwrap_or_default(),
                _ => {}
            }
        }
        group
    }
}

fn entry((id, fields): RawEntry) -> Entry {
    Entry {
        id,
        fields: fields.unwrap_or_default(),
    }
}

/// The parts of an entry's id, which say where in the stream it is.
pub(super) fn parse_id(id: &str) -> Option<(u64, u64)> {
    let (ms, sequence) = id.split_once('-')?;
    Some((ms.parse().ok()?, sequence.parse().ok()?))
}
