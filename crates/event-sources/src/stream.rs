//! Every command on the stream and its group.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult};
use redis_link::{Link, REPLY_TOO_LARGE, Script};

use super::Settings;
use super::entry::{Entry, max_entry_bytes};
use super::origin::{MARKER, Origin};

/// How long the answer to a command may take that does not wait.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// The greatest id that a stream can have.
const GREATEST_ID: &str = "18446744073709551615-18446744073709551615";

/// The most entries that are taken in one call.
const MAX_READ: usize = 32;
const MAX_READ_FROM_CLUSTER: usize = 8;

/// What a reply has besides the entries' names and values: their ids and lengths.
const MAX_FRAMING_BYTES: usize = 64 << 10;

macro_rules! scripts {
    ($($name:ident = [$($file:literal),+];)*) => {$(
        static $name: LazyLock<Script> = LazyLock::new(|| {
            Script::new(&[$(include_str!(concat!("scripts/", $file))),+])
        });
    )*};
}

scripts! {
    PREPARE = ["prepare.lua"];
    CLAIM = ["fit.lua", "claim.lua"];
    ACKNOWLEDGE = ["acknowledge.lua"];
}

/// A stream and a group of it, as one consumer sees it.
pub(super) struct Stream {
    /// For commands that wait for entries: nothing else may be behind them.
    waiting: Link,
    link: Arc<Link>,
    key: String,
    group: String,
    consumer: String,
    max_data_bytes: usize,
}

/// Pending entries that were taken over.
pub(super) struct Claimed {
    pub entries: Vec<Entry>,
    /// The ids of those that are no longer in the stream.
    pub vanished: Vec<String>,
    /// How many ids these are; the others have no room.
    pub looked_at: usize,
}

type Fields = Vec<(Vec<u8>, Vec<u8>)>;
type RawEntry = (String, Option<Fields>);

impl Stream {
    pub(super) fn new(settings: &Settings) -> Self {
        let Settings { address, block, .. } = settings;
        let waiting = Link::new(address.clone(), *block + RESPONSE_TIMEOUT);
        Self {
            waiting: waiting.with_max_reply(max_reply_bytes(settings)),
            link: Arc::new(Link::new(address.clone(), RESPONSE_TIMEOUT)),
            key: settings.stream.clone(),
            group: settings.group.clone(),
            consumer: settings.owner.name.clone(),
            max_data_bytes: settings.max_data_bytes,
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

    /// Makes the group and the stream where there are none, and returns which incarnation of the
    /// stream it is. The group begins with the oldest entry.
    pub(super) async fn prepare(&self) -> RedisResult<Origin> {
        let mut call = PREPARE.call(self.key.as_bytes());
        call.arg(&self.group).arg(MARKER);
        call.arg(Origin::random_incarnation()).arg(GREATEST_ID);
        let (incarnation, made): (String, bool) = self.run(&PREPARE, &call).await?;
        if made {
            let Self { key, group, .. } = self;
            tracing::info!(stream = key, group, "made the consumer group");
        }
        Ok(Origin::new(&self.key, &incarnation))
    }

    /// Returns the most entries to take in one call: a cluster's replies have no bound in bytes.
    pub(super) fn max_read(&self) -> usize {
        if self.link.address().is_cluster() {
            MAX_READ_FROM_CLUSTER
        } else {
            MAX_READ
        }
    }

    /// Takes new entries, at most `count`; waits up to `block` for the first. Returns `None` where
    /// they are larger than a reply may be: they are pending then.
    ///
    /// # Errors
    ///
    /// Those of the server and of the connection.
    pub(super) async fn read_new(
        &self,
        count: usize,
        block: Duration,
    ) -> RedisResult<Option<Vec<Entry>>> {
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
        let reply = match self.waiting.ask(&command).await {
            Err(error) if error.code() == Some(REPLY_TOO_LARGE) => return Ok(None),
            reply => reply?,
        };
        let streams: Option<Vec<(Vec<u8>, Vec<RawEntry>)>> = redis::from_redis_value(reply)?;
        let entries = streams.into_iter().flatten();
        let entries = entries.flat_map(|(_, entries)| entries);
        let entry = |(id, fields): RawEntry| entry((id, fields.unwrap_or_default(), 0));
        Ok(Some(entries.map(entry).collect()))
    }

    /// Returns the ids of what is pending of the whole group behind an id, in the order of the stream.
    /// With `idle` only what was taken longer ago.
    pub(super) async fn pending(
        &self,
        behind: Option<&str>,
        idle: Option<Duration>,
        count: usize,
    ) -> RedisResult<Vec<String>> {
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
        Ok(rows.into_iter().map(|(id, ..)| id).collect())
    }

    /// Takes the first of these pending entries over, whoever has them: as many as have `max_bytes`
    /// bytes, and one at least. Of an entry no more is taken than an event may have.
    pub(super) async fn claim(&self, ids: &[String], max_bytes: usize) -> RedisResult<Claimed> {
        let mut call = CLAIM.call(self.key.as_bytes());
        call.arg(&self.group).arg(&self.consumer);
        call.arg(max_entry_bytes(self.max_data_bytes));
        call.arg(self.max_data_bytes.saturating_add(1));
        call.arg(max_bytes).arg(ids);
        let mut reply: Vec<redis::Value> = self.run(&CLAIM, &call).await?;
        let rows = reply.split_off(reply.len().min(2));
        let (looked_at, vanished) = redis::from_redis_value(redis::Value::Array(reply))?;
        let row = |row| Ok(entry(redis::from_redis_value(row)?));
        let entries = rows.into_iter().map(row).collect::<RedisResult<_>>()?;
        Ok(Claimed {
            entries,
            vanished,
            looked_at,
        })
    }

    /// Acknowledges entries of that incarnation of the stream. Returns how many were pending.
    ///
    /// # Errors
    ///
    /// Those of the server and of the connection, and one if the stream was replaced: then nothing
    /// is acknowledged.
    pub(super) async fn acknowledge(&self, origin: &Origin, ids: &[&str]) -> RedisResult<usize> {
        if ids.is_empty() {
            return Ok(0);
        }
        let mut call = ACKNOWLEDGE.call_sized(self.key.as_bytes(), ids.len(), ids.len() * 24);
        call.arg(&self.group).arg(origin.marker()).arg(ids);
        let count: i64 = self.run(&ACKNOWLEDGE, &call).await?;
        usize::try_from(count).map_err(|_| {
            let error = "the stream was removed or replaced while its entries were planned";
            RedisError::from((ErrorKind::Client, error))
        })
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
            if group.name.starts_with(MARKER) {
                continue;
            }
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

    async fn run<T: FromRedisValue>(&self, script: &Script, call: &Cmd) -> RedisResult<T> {
        Ok(redis::from_redis_value(self.link.run(script, call).await?)?)
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

/// Returns the most bytes of a reply with new entries: what is kept in memory, and one entry more.
fn max_reply_bytes(settings: &Settings) -> usize {
    settings.max_bytes + max_entry_bytes(settings.max_data_bytes) + MAX_FRAMING_BYTES
}

fn entry((id, fields, cut): (String, Fields, usize)) -> Entry {
    let field = |(name, value)| (Bytes::from(name), Bytes::from(value));
    Entry {
        id,
        fields: fields.into_iter().map(field).collect(),
        cut,
    }
}

/// The parts of an entry's id, which say where in the stream it is.
pub(super) fn parse_id(id: &str) -> Option<(u64, u64)> {
    let (ms, sequence) = id.split_once('-')?;
    Some((ms.parse().ok()?, sequence.parse().ok()?))
}
