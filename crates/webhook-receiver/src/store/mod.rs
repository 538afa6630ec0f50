//! The store of keys and ids, which the variable `store_url` selects.
//!
//! | `store_url` | keys | ids |
//! |---|---|---|
//! | empty | the app's key-value store `default` | the app's SQLite database `default` |
//! | `postgres://…` | table `webhook_keys` | table `webhook_ids` |
//! | `redis://…`, `rediss://…` | strings `webhook-keys:…` | strings `{webhook-ids}:…`, which expire |

mod interface;
mod local;
mod postgres;
mod redis;

pub use interface::{ClaimResult, Retention, Store};

use crate::{Database, KeyValue, PlatformError, Postgres, Redis, Variables, variables};

/// The variable that selects the store.
const VARIABLE: &str = "store_url";

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
