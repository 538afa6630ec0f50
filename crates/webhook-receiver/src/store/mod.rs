//! The store of keys and ids, which the variable `store_url` selects.
//!
//! | `store_url` | keys | ids |
//! |---|---|---|
//! | empty | the app's key-value store `default` | the app's SQLite database `default` |
//! | `postgres://…` | table `webhook_keys` | table `webhook_ids` |
//! | `redis://…`, `rediss://…` | strings `webhook-keys:…` | strings `{webhook-ids}:…`, which expire |

mod local;
mod postgres;
mod redis;

use crate::{Database, KeyValue, PlatformError, Postgres, Redis, Variables, variables};

/// The variable that selects the store.
const VARIABLE: &str = "store_url";

/// The times and the limit of an operation on an id.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// The current time in Unix seconds.
    pub now: u64,
    /// The last second of the claim, or of the retention.
    pub until: u64,
    /// The number of processed ids that are remembered, the newest ones.
    pub max_ids: u64,
}

/// The result of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimResult {
    /// The id was free or had expired, and is claimed now.
    Granted,
    /// The id was processed.
    Done,
    /// Another claim has not ended.
    InProgress,
}

/// A store of keys and ids. Each operation takes effect as a whole or not at all.
///
/// Platforms with all of its parts implement it: they select a store with the variable `store_url`.
pub trait Store {
    /// Returns the name of the store of keys for log lines.
    fn origin(&self) -> &'static str;

    /// Returns the value of the key `name`, or `None` if there is none.
    fn key(&self, name: &str) -> Result<Option<Vec<u8>>, PlatformError>;

    /// Sets the value of the key `name`, replacing any previous value.
    fn set_key(&self, name: &str, value: &[u8]) -> Result<(), PlatformError>;

    /// Claims `id`, if it is free or has expired. Of concurrent calls, at most one is granted.
    fn claim(&self, id: &str, retention: Retention) -> Result<ClaimResult, PlatformError>;

    /// Marks `id` as processed, even if the claim was lost in the meantime.
    fn complete(&self, id: &str, retention: Retention) -> Result<(), PlatformError>;

    /// Deletes the claim of `id` that ends at `until`, and no later claim: one that was taken over
    /// after its end.
    fn release(&self, id: &str, until: u64) -> Result<(), PlatformError>;

    /// Checks that the store can be used.
    fn check(&self) -> Result<(), PlatformError>;
}

/// Selects the store.
fn select<'a, P>(platform: &'a P) -> Result<Box<dyn Store + 'a>, PlatformError>
where
    P: Database + KeyValue + Postgres + Redis + Variables,
{
    let address = variables::text(platform, VARIABLE).map_err(invalid)?;
    Ok(match address.split_once("://") {
        None if address.is_empty() => Box::new(local::Local(platform)),
        Some(("postgres" | "postgresql", rest)) if !rest.is_empty() => {
            Box::new(postgres::PostgresStore { platform, address })
        }
        Some(("redis" | "rediss", rest)) if !rest.is_empty() => {
            Box::new(redis::RedisStore { platform, address })
        }
        // The value is not shown: it may contain a password.
        _ => {
            let reason = "it is not a URL of the form `postgres://user:password@host/database` or \
                          `redis://host:port`";
            return Err(invalid(reason));
        }
    })
}

fn invalid(reason: impl ToString) -> PlatformError {
    PlatformError {
        doing: "selecting the store by the variable `store_url`",
        cause: reason.to_string(),
    }
}

impl<P: Database + KeyValue + Postgres + Redis + Variables> Store for P {
    fn origin(&self) -> &'static str {
        select(self).map_or("no store", |store| store.origin())
    }

    fn key(&self, name: &str) -> Result<Option<Vec<u8>>, PlatformError> {
        select(self)?.key(name)
    }

    fn set_key(&self, name: &str, value: &[u8]) -> Result<(), PlatformError> {
        select(self)?.set_key(name, value)
    }

    fn claim(&self, id: &str, retention: Retention) -> Result<ClaimResult, PlatformError> {
        select(self)?.claim(id, retention)
    }

    fn complete(&self, id: &str, retention: Retention) -> Result<(), PlatformError> {
        select(self)?.complete(id, retention)
    }

    fn release(&self, id: &str, until: u64) -> Result<(), PlatformError> {
        select(self)?.release(id, until)
    }

    fn check(&self) -> Result<(), PlatformError> {
        select(self)?.check()
    }
}
