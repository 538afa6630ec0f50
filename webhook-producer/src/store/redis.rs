//! The registrations in Redis.
//!
//! | key | value |
//! |---|---|
//! | `{webhook-registrations}` | a hash: the URL, and its registration as JSON |
//! | `{webhook-registrations}:position` | the position of the newest registration, which orders them |
//!
//! The braces put both keys on one node of a cluster.

use std::time::{Duration, UNIX_EPOCH};

use serde::Deserialize;

use super::registrations::{ListedRegistration, Registration, Registrations, StoreError};
use crate::key::SigningKey;
use crate::platform::{self, Clock, RedisReply};

/// The advice for a key whose value is not that of the producer.
const REPAIR: &str = "another program uses the key; select another database of the server: \
                      `redis://host:port/1`";

const REGISTRATIONS: &str = "{webhook-registrations}";
const POSITION: &str = "{webhook-registrations}:position";

/// Stores a registration unless its key has changed, and returns 1 if it did.
const SAVE: &str = "
    local known = redis.call('HGET', KEYS[1], ARGV[1])
    local row
    if known then
        row = cjson.decode(known)
        if row.key ~= ARGV[4] then return 0 end
    else
        row = { created_at = ARGV[5], position = redis.call('INCR', KEYS[2]) }
    end
    row.event, row.key, row.updated_at = ARGV[2], ARGV[3], ARGV[5]
    redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(row))
    return 1";

/// Deletes every registration, and returns their number.
const DELETE_ALL: &str = "
    local number = redis.call('HLEN', KEYS[1])
    redis.call('DEL', KEYS[1])
    return number";

/// A database of a server.
pub(super) struct Redis<'a, O> {
    pub platform: &'a O,
    pub address: String,
}

/// The value of a URL. It has no `Debug`, because it contains a key.
#[derive(Deserialize)]
struct Row {
    event: String,
    key: String,
    /// Unix seconds, as text.
    created_at: String,
    updated_at: String,
    position: u64,
}

impl<O: platform::Redis> Redis<'_, O> {
    fn run(&self, command: &str, arguments: &[&str]) -> Result<Vec<RedisReply>, StoreError> {
        let arguments: Vec<&[u8]> = arguments.iter().map(|one| one.as_bytes()).collect();
        let reply = self.platform.command(&self.address, command, &arguments);
        reply.map_err(|reason| {
            if reason.contains("WRONGTYPE") {
                StoreError::Structure(reason)
            } else {
                StoreError::Failed(reason)
            }
        })
    }

    fn count(&self, command: &str, arguments: &[&str]) -> Result<usize, StoreError> {
        match self.run(command, arguments)?.as_slice() {
            [RedisReply::Number(number)] => usize::try_from(*number).map_err(|_| unexpected()),
            _ => Err(unexpected()),
        }
    }

    /// Returns every registration, the oldest first.
    fn rows(&self) -> Result<Vec<(String, Row)>, StoreError> {
        let reply = self.run("HGETALL", &[REGISTRATIONS])?;
        let mut rows = Vec::with_capacity(reply.len() / 2);
        for pair in reply.chunks(2) {
            let [RedisReply::Bytes(url), RedisReply::Bytes(row)] = pair else {
                return Err(unexpected());
            };
            let url = String::from_utf8(url.clone()).map_err(|_| unexpected())?;
            rows.push((url, parse(row)?));
        }
        rows.sort_by_key(|(_, row)| row.position);
        Ok(rows)
    }
}

/// Parses a value. The parser's own message is dropped, because it may quote the key.
fn parse(row: &[u8]) -> Result<Row, StoreError> {
    let malformed = || format!("a value of the hash `{REGISTRATIONS}` is malformed");
    serde_json::from_slice(row).map_err(|_| StoreError::Structure(malformed()))
}

fn unexpected() -> StoreError {
    StoreError::Failed("the reply has an unexpected type".to_owned())
}

/// Formats Unix seconds as RFC 3339.
fn rfc3339(seconds: &str) -> Result<String, StoreError> {
    let seconds = seconds.parse().map_err(|_| unexpected())?;
    let time = UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
    let time = time.ok_or_else(unexpected)?;
    Ok(humantime::format_rfc3339_seconds(time).to_string())
}

impl<O: platform::Redis + Clock> Registrations for Redis<'_, O> {
    fn repair(&self) -> &'static str {
        REPAIR
    }

    fn check_readable(&self) -> Result<(), StoreError> {
        self.count("HLEN", &[REGISTRATIONS]).map(|_| ())
    }

    fn find_key(&self, url: &str) -> Result<Option<SigningKey>, StoreError> {
        match self.run("HGET", &[REGISTRATIONS, url])?.as_slice() {
            [RedisReply::Nil] => Ok(None),
            [RedisReply::Bytes(row)] => Ok(Some(SigningKey::from_text(parse(row)?.key))),
            _ => Err(unexpected()),
        }
    }

    fn save_if_unchanged(
        &self,
        registration: &Registration,
        known_key: Option<&SigningKey>,
    ) -> Result<bool, StoreError> {
        let now = self.platform.unix_seconds().to_string();
        let arguments = [
            SAVE,
            "2",
            REGISTRATIONS,
            POSITION,
            &registration.url,
            &registration.event,
            registration.key.text(),
            // No key is empty, so this matches no row.
            known_key.map_or("", SigningKey::text),
            &now,
        ];
        Ok(self.count("EVAL", &arguments)? == 1)
    }

    fn list(&self) -> Result<Vec<ListedRegistration>, StoreError> {
        let listed = |(url, row): (String, Row)| {
            Ok(ListedRegistration {
                url,
                event: row.event,
                created_at: rfc3339(&row.created_at)?,
                updated_at: rfc3339(&row.updated_at)?,
            })
        };
        self.rows()?.into_iter().map(listed).collect()
    }

    fn load_with_keys(&self) -> Result<Vec<Registration>, StoreError> {
        let with_key = |(url, row): (String, Row)| Registration {
            url,
            event: row.event,
            key: SigningKey::from_text(row.key),
        };
        Ok(self.rows()?.into_iter().map(with_key).collect())
    }

    fn delete(&self, url: &str) -> Result<usize, StoreError> {
        self.count("HDEL", &[REGISTRATIONS, url])
    }

    fn delete_all(&self) -> Result<usize, StoreError> {
        self.count("EVAL", &[DELETE_ALL, "1", REGISTRATIONS])
    }
}
