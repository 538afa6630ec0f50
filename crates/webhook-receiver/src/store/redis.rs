//! Keys and ids in Redis.
//!
//! | key | value |
//! |---|---|
//! | `webhook-keys:NAME` | the value of a key |
//! | `{webhook-ids}:id:ID` | `claimed UNTIL` or `done UNTIL`, until it expires |
//! | `{webhook-ids}:done` | the processed ids, ordered by their processing |
//! | `{webhook-ids}:last` | the number of the last one |
//!
//! A claim is `SET NX PX`: the server itself tests, sets and expires. The end of a claim is also in the
//! value, by the clock of the apps, because the server may delete a key late, and its clock may differ.
//! The braces put all ids on one node of a cluster, because a script may use the keys of one node only.

use super::interface::{ClaimResult, Retention, Store};
use crate::{PlatformError, Redis, RedisReply};

/// Takes over a claim that has ended, if it is still the same, and returns 1 if it did.
const TAKE_OVER: &str = "
    if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
    redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
    return 1";

/// Marks an id as processed, and deletes the oldest processed ones beyond the limit, but no claim in
/// progress.
const COMPLETE: &str = "
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    redis.call('ZADD', KEYS[2], redis.call('INCR', KEYS[3]), KEYS[1])
    local surplus = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[3])
    if surplus > 0 then
        local oldest = redis.call('ZPOPMIN', KEYS[2], surplus)
        for index = 1, #oldest, 2 do
            local value = redis.call('GET', oldest[index])
            if value and string.sub(value, 1, 5) == 'done ' then
                redis.call('DEL', oldest[index])
            end
        end
    end
    return 1";

/// Deletes a claim if it is still the same.
const RELEASE: &str = "
    if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
    return 0";

const DONE_IDS: &str = "{webhook-ids}:done";
const LAST_ID: &str = "{webhook-ids}:last";

/// The maximum of an expiry, a hundred years: the server rejects times beyond its range.
const MAX_SECONDS: u64 = 100 * 365 * 86_400;

/// A database of a server.
pub(super) struct RedisStore<'a, P> {
    pub platform: &'a P,
    pub address: String,
}

impl<P: Redis> RedisStore<'_, P> {
    fn run(&self, command: &str, arguments: &[&str]) -> Result<RedisReply, PlatformError> {
        let arguments: Vec<&[u8]> = arguments.iter().map(|one| one.as_bytes()).collect();
        let mut parts = self.platform.command(&self.address, command, &arguments)?;
        match (parts.pop(), parts.is_empty()) {
            (Some(part), true) => Ok(part),
            _ => Err(unexpected()),
        }
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, PlatformError> {
        match self.run("GET", &[key])? {
            RedisReply::Nil => Ok(None),
            RedisReply::Bytes(value) => Ok(Some(value)),
            _ => Err(unexpected()),
        }
    }

    /// Returns the state of an id that could not be claimed, and takes it over if it has ended.
    fn examine(
        &self,
        key: &str,
        claim: &str,
        retention: Retention,
    ) -> Result<ClaimResult, PlatformError> {
        let Some(held) = self.get(key)? else {
            // It was just released or has expired, and a later attempt will be granted.
            return Ok(ClaimResult::InProgress);
        };
        let held = String::from_utf8(held).map_err(|_| unexpected())?;
        let (state, until) = held.split_once(' ').ok_or_else(unexpected)?;
        let until: u64 = until.parse().map_err(|_| unexpected())?;
        if until >= retention.now {
            return Ok(if state == "done" {
                ClaimResult::Done
            } else {
                ClaimResult::InProgress
            });
        }
        let arguments = [TAKE_OVER, "1", key, &held, claim, &milliseconds(retention)];
        Ok(match self.run("EVAL", &arguments)? {
            RedisReply::Number(1) => ClaimResult::Granted,
            _ => ClaimResult::InProgress,
        })
    }
}

impl<P: Redis> Store for RedisStore<'_, P> {
    fn origin(&self) -> &'static str {
        "Redis"
    }

    fn key(&self, name: &str) -> Result<Option<Vec<u8>>, PlatformError> {
        self.get(&format!("webhook-keys:{name}"))
    }

    fn set_key(&self, name: &str, value: &[u8]) -> Result<(), PlatformError> {
        let key = format!("webhook-keys:{name}");
        let arguments = [key.as_bytes(), value];
        self.platform
            .command(&self.address, "SET", &arguments)
            .map(drop)
    }

    fn claim(&self, id: &str, retention: Retention) -> Result<ClaimResult, PlatformError> {
        let (key, claim) = (key_of(id), format!("claimed {}", retention.until));
        let arguments = [&key, &claim, "NX", "PX", &milliseconds(retention)];
        match self.run("SET", &arguments)? {
            RedisReply::Status(_) => Ok(ClaimResult::Granted),
            RedisReply::Nil => self.examine(&key, &claim, retention),
            _ => Err(unexpected()),
        }
    }

    fn complete(&self, id: &str, retention: Retention) -> Result<(), PlatformError> {
        let (key, done) = (key_of(id), format!("done {}", retention.until));
        let (expiry, max) = (milliseconds(retention), retention.max_ids.to_string());
        let arguments = [COMPLETE, "3", &key, DONE_IDS, LAST_ID, &done, &expiry, &max];
        self.run("EVAL", &arguments).map(drop)
    }

    fn release(&self, id: &str, until: u64) -> Result<(), PlatformError> {
        let (key, claim) = (key_of(id), format!("claimed {until}"));
        self.run("EVAL", &[RELEASE, "1", &key, &claim]).map(drop)
    }

    fn check(&self) -> Result<(), PlatformError> {
        self.run("PING", &[]).map(drop)
    }
}

fn key_of(id: &str) -> String {
    format!("{{webhook-ids}}:id:{id}")
}

/// Returns the time until an id expires: after its last second.
fn milliseconds(retention: Retention) -> String {
    let seconds = retention.until.saturating_sub(retention.now) + 1;
    (seconds.min(MAX_SECONDS) * 1000).to_string()
}

fn unexpected() -> PlatformError {
    PlatformError {
        doing: "using Redis",
        cause: "the reply has an unexpected type".to_owned(),
    }
}
