//! All commands on the stream and its group.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult};
use redis_link::{Link, REPLY_TOO_LARGE, Script};

use super::settings::Settings;
use crate::entry::{Entry, max_entry_bytes};
use crate::origin::Origin;

/// The longest duration of a command that does not block.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// The greatest id that a stream can have.
const GREATEST_ID: &str = "18446744073709551615-18446744073709551615";

/// The most entries that are read in one call.
const MAX_READ: usize = 32;
const MAX_READ_FROM_CLUSTER: usize = 8;

/// The size of a reply besides the names and values of entries: ids and lengths, in bytes.
const MAX_FRAMING_BYTES: usize = 64 << 10;

/// The prefix of the name of the group that marks a stream's incarnation. Redis keeps that group together
/// with the stream: on disk, in replicas and in dumps. No consumer reads through it.
const MARKER: &str = "webhook-sender:incarnation:";

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

/// A stream and a consumer group, accessed as one consumer.
pub(super) struct Stream {
    /// The connection for blocking commands: other commands would wait behind them.
    waiting: Link,
    link: Arc<Link>,
    key: String,
    group: String,
    consumer: String,
    max_data_bytes: usize,
}

/// One incarnation of the stream: a random text, which is the name of one of its consumer groups. Cheap
/// to clone.
#[derive(Clone)]
pub(super) struct Incarnation {
    pub origin: Origin,
    marker: Arc<str>,
}

/// Pending entries that were claimed.
pub(super) struct Claimed {
    pub entries: Vec<Entry>,
    /// The ids of entries that are no longer in the stream.
    pub vanished: Vec<String>,
    /// The number of ids that were examined; the others did not fit.
    pub examined: usize,
}

type Fields = Vec<(Vec<u8>, Vec<u8>)>;
type EntryReply = (String, Option<Fields>);

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
            max_data_bytes: settings.bounds.max_data_bytes,
        }
    }

    /// Returns the connection for commands that do not block.
    pub(super) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Returns the connection for blocking commands.
    pub(super) fn waiting(&self) -> &Link {
        &self.waiting
    }

    /// Creates the stream and the group if they are missing, and returns the incarnation of the stream.
    /// A new group begins with the oldest entry.
    pub(super) async fn prepare(&self) -> RedisResult<Incarnation> {
        let mut call = PREPARE.call(self.key.as_bytes());
        call.arg(&self.group).arg(MARKER);
        call.arg(Origin::random_incarnation()).arg(GREATEST_ID);
        let (incarnation, made): (String, bool) = self.run(&PREPARE, &call).await?;
        if made {
            let Self { key, group, .. } = self;
            tracing::info!(stream = key, group, "consumer group created");
        }
        Ok(Incarnation {
            origin: Origin::new(&self.key, &incarnation),
            marker: format!("{MARKER}{incarnation}").into(),
        })
    }

    /// Returns the most entries to read in one call. Fewer from a cluster, whose replies are not bounded
    /// in bytes.
    pub(super) fn max_read(&self) -> usize {
        if self.link.address().is_cluster() {
            MAX_READ_FROM_CLUSTER
        } else {
            MAX_READ
        }
    }

    /// Reads at most `count` new entries; waits up to `block` for the first. Returns `None` if they
    /// exceed the size of a reply, in which case they are pending.
    ///
    /// # Errors
    ///
    /// Errors of the server and of the connection.
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
        let reply = match self.waiting.query(&command).await {
            Err(error) if error.code() == Some(REPLY_TOO_LARGE) => return Ok(None),
            reply => reply?,
        };
        let streams: Option<Vec<(Vec<u8>, Vec<EntryReply>)>> = redis::from_redis_value(reply)?;
        let entries = streams.into_iter().flatten();
        let entries = entries.flat_map(|(_, entries)| entries);
        let entry = |(id, fields): EntryReply| entry((id, fields.unwrap_or_default(), 0));
        Ok(Some(entries.map(entry).collect()))
    }

    /// Returns the ids of the pending entries of the whole group after the id `behind`, in the order of
    /// the stream. With `idle`, only entries that have been pending for that long.
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
        let rows: Vec<(String, String, u64, u64)> = self.query(&command).await?;
        Ok(rows.into_iter().map(|(id, ..)| id).collect())
    }

    /// Claims the first of these pending entries from any consumer: as many as fit into `max_bytes`, and
    /// at least one. No more of an entry is read than an event may have.
    pub(super) async fn claim(&self, ids: &[String], max_bytes: usize) -> RedisResult<Claimed> {
        let mut call = CLAIM.call(self.key.as_bytes());
        call.arg(&self.group).arg(&self.consumer);
        call.arg(max_entry_bytes(self.max_data_bytes));
        call.arg(self.max_data_bytes.saturating_add(1));
        call.arg(max_bytes).arg(ids);
        let mut reply: Vec<redis::Value> = self.run(&CLAIM, &call).await?;
        let rows = reply.split_off(reply.len().min(2));
        let (examined, vanished) = redis::from_redis_value(redis::Value::Array(reply))?;
        let row = |row| Ok(entry(redis::from_redis_value(row)?));
        let entries = rows.into_iter().map(row).collect::<RedisResult<_>>()?;
        Ok(Claimed {
            entries,
            vanished,
            examined,
        })
    }

    /// Acknowledges entries of the given incarnation. Returns how many were pending.
    ///
    /// # Errors
    ///
    /// Errors of the server and of the connection. Fails without acknowledging anything if the stream
    /// was replaced.
    pub(super) async fn acknowledge(
        &self,
        incarnation: &Incarnation,
        ids: &[String],
    ) -> RedisResult<usize> {
        if ids.is_empty() {
            return Ok(0);
        }
        let mut call = ACKNOWLEDGE.call_sized(self.key.as_bytes(), ids.len(), ids.len() * 24);
        call.arg(&self.group).arg(&*incarnation.marker).arg(ids);
        let count: i64 = self.run(&ACKNOWLEDGE, &call).await?;
        usize::try_from(count).map_err(|_| {
            let error = "the stream was removed or replaced while its entries were planned";
            RedisError::from((ErrorKind::Client, error))
        })
    }

    /// Returns the number of entries that the group has not read yet. See [`Intake::lag`](crate::Intake::lag).
    pub(super) async fn lag(&self) -> RedisResult<Option<u64>> {
        let groups = self.groups().await?;
        Ok(groups
            .into_iter()
            .find(|group| group.name == self.group)
            .and_then(|group| group.lag))
    }

    /// Removes entries that every group has acknowledged. Returns their number.
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
            // The position of this group is unknown: it may need every entry.
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
        self.query(&command).await
    }

    async fn oldest_pending(&self, group: &str) -> RedisResult<Option<String>> {
        let mut command = redis::cmd("XPENDING");
        command.arg(&self.key).arg(group).arg("-").arg("+").arg(1);
        let rows: Vec<(String, String, u64, u64)> = self.query(&command).await?;
        Ok(rows.into_iter().next().map(|(id, ..)| id))
    }

    async fn groups(&self) -> RedisResult<Vec<Group>> {
        let mut command = redis::cmd("XINFO");
        command.arg("GROUPS").arg(&self.key);
        let rows: Vec<HashMap<String, redis::Value>> = self.query(&command).await?;
        Ok(rows.into_iter().map(Group::read).collect())
    }

    async fn query<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        Ok(redis::from_redis_value(self.link.query(command).await?)?)
    }

    async fn run<T: FromRedisValue>(&self, script: &Script, call: &Cmd) -> RedisResult<T> {
        Ok(redis::from_redis_value(self.link.run(script, call).await?)?)
    }
}

/// A consumer group as described by `XINFO GROUPS`.
struct Group {
    name: String,
    pending: u64,
    last_delivered: String,
    lag: Option<u64>,
}

impl Group {
    /// Reads a row, which is a list of names and values in RESP2, and a map in RESP3. Unknown names of
    /// newer servers are ignored.
    fn read(mut row: HashMap<String, redis::Value>) -> Self {
        fn take<T: FromRedisValue + Default>(
            row: &mut HashMap<String, redis::Value>,
            name: &str,
        ) -> T {
            let value = row.remove(name).map(redis::from_redis_value);
            value.and_then(Result::ok).unwrap_or_default()
        }
        Self {
            name: take(&mut row, "name"),
            pending: take(&mut row, "pending"),
            last_delivered: take(&mut row, "last-delivered-id"),
            lag: take(&mut row, "lag"),
        }
    }
}

/// Returns the most bytes of a reply with new entries: the bound on memory, and one entry more.
fn max_reply_bytes(settings: &Settings) -> usize {
    settings.bounds.max_bytes + max_entry_bytes(settings.bounds.max_data_bytes) + MAX_FRAMING_BYTES
}

fn entry((id, fields, cut): (String, Fields, usize)) -> Entry {
    let field = |(name, value)| (Bytes::from(name), Bytes::from(value));
    Entry {
        id,
        fields: fields.into_iter().map(field).collect(),
        cut,
    }
}

/// Splits the id of an entry into milliseconds and sequence number.
pub(super) fn parse_id(id: &str) -> Option<(u64, u64)> {
    let (ms, sequence) = id.split_once('-')?;
    Some((ms.parse().ok()?, sequence.parse().ok()?))
}
