//! The key-value capability: SQLite files with the table layout of Spin's, so that either finds
//! what the other left. Guests reach it through Spin's interface ([`spin`]) or WASI's ([`wasi`]).

mod spin;
mod wasi;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use rusqlite::{Connection, TransactionBehavior};
use wasmtime::component::Resource;

use super::limit::{MAX_RESULT, ResultLimit, TooLarge};
use super::{State, blocking, sqlite};

/// Stores one instance may hold open; Spin's number.
const MAX_OPEN_STORES: usize = 256;

const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS spin_key_value (
    store TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (store, key)
)";
const GET: &str = "SELECT value FROM spin_key_value WHERE store = ?1 AND key = ?2";
const SET: &str = "INSERT INTO spin_key_value (store, key, value) VALUES (?1, ?2, ?3)
    ON CONFLICT (store, key) DO UPDATE SET value = excluded.value";
const DELETE: &str = "DELETE FROM spin_key_value WHERE store = ?1 AND key = ?2";
const EXISTS: &str = "SELECT 1 FROM spin_key_value WHERE store = ?1 AND key = ?2";
const KEYS: &str = "SELECT key FROM spin_key_value WHERE store = ?1";

/// Why a call on a store failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    #[error("the value under `{0}` is no 64-bit integer")]
    NoInteger(String),
    #[error("the sum under `{0}` is no 64-bit integer")]
    Overflow(String),
}

type Outcome<T> = Result<T, Fault>;

/// One file of key-value data. Every store in it shares the connection: SQLite serves one
/// writer at a time in any case, and a warm connection answers a read in microseconds.
pub(crate) struct Database {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl Database {
    /// Opens the file, making it and its table where they are missing.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let open = || -> rusqlite::Result<_> {
            let connection = Connection::open(path)?;
            sqlite::limit_values(&connection)?;
            connection.execute(CREATE_TABLE, [])?;
            Ok(connection)
        };
        let connection = open()
            .with_context(|| format!("cannot open the key-value file `{}`", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            connection: Mutex::new(connection),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic elsewhere leaves the connection as usable as SQLite left it.
        let connection = self.connection.lock();
        connection.unwrap_or_else(PoisonError::into_inner)
    }
}

/// One label's store within a file.
#[derive(Clone)]
pub struct Store {
    database: Arc<Database>,
    label: String,
}

impl Store {
    pub(crate) fn new(database: Arc<Database>, label: &str) -> Self {
        Self {
            database,
            label: label.to_owned(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.database.path
    }

    fn get(&self, key: &str, mut limit: ResultLimit) -> Outcome<Option<Vec<u8>>> {
        self.get_with(&self.database.lock(), key, &mut limit)
    }

    /// Puts `value` under `key`.
    pub(crate) fn set(&self, key: &str, value: &[u8]) -> Outcome<()> {
        self.set_with(&self.database.lock(), key, value)
    }

    fn delete(&self, key: &str) -> Outcome<()> {
        self.delete_with(&self.database.lock(), key)
    }

    fn exists(&self, key: &str) -> Outcome<bool> {
        let connection = self.database.lock();
        let mut statement = connection.prepare_cached(EXISTS)?;
        Ok(statement.exists([&self.label, key])?)
    }

    fn keys(&self, mut limit: ResultLimit) -> Outcome<Vec<String>> {
        let connection = self.database.lock();
        let mut statement = connection.prepare_cached(KEYS)?;
        let mut rows = statement.query([&self.label])?;
        let mut keys = Vec::new();
        while let Some(row) = rows.next()? {
            let key = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
            limit.take(size_of::<String>() + key.len())?;
            keys.push(key.to_owned());
        }
        Ok(keys)
    }

    fn get_with(
        &self,
        connection: &Connection,
        key: &str,
        limit: &mut ResultLimit,
    ) -> Outcome<Option<Vec<u8>>> {
        let mut statement = connection.prepare_cached(GET)?;
        let mut rows = statement.query([&self.label, key])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let value = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
        limit.take(size_of::<Option<Vec<u8>>>() + value.len())?;
        Ok(Some(value.to_vec()))
    }

    fn set_with(&self, connection: &Connection, key: &str, value: &[u8]) -> Outcome<()> {
        let mut statement = connection.prepare_cached(SET)?;
        statement.execute((&self.label, key, value))?;
        Ok(())
    }

    fn delete_with(&self, connection: &Connection, key: &str) -> Outcome<()> {
        let mut statement = connection.prepare_cached(DELETE)?;
        statement.execute([&self.label, key])?;
        Ok(())
    }

    /// Runs `change` so that all of it takes place or nothing, with no other writer in between:
    /// not in this process, and not in a Spin on the same file.
    fn atomically<T>(&self, change: impl FnOnce(&Connection) -> Outcome<T>) -> Outcome<T> {
        let mut connection = self.database.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let outcome = change(&transaction)?;
        transaction.commit()?;
        Ok(outcome)
    }

    fn get_many(
        &self,
        keys: &[String],
        mut limit: ResultLimit,
    ) -> Outcome<Vec<(String, Option<Vec<u8>>)>> {
        let connection = self.database.lock();
        let mut found = Vec::new();
        for key in keys {
            if let Some(value) = self.get_with(&connection, key, &mut limit)? {
                limit.take(size_of::<String>() + key.len())?;
                found.push((key.clone(), Some(value)));
            }
        }
        Ok(found)
    }

    fn set_many(&self, pairs: &[(String, Vec<u8>)]) -> Outcome<()> {
        self.atomically(|connection| {
            let mut pairs = pairs.iter();
            pairs.try_for_each(|(key, value)| self.set_with(connection, key, value))
        })
    }

    fn delete_many(&self, keys: &[String]) -> Outcome<()> {
        self.atomically(|connection| {
            let mut keys = keys.iter();
            keys.try_for_each(|key| self.delete_with(connection, key))
        })
    }

    /// The number is kept as eight bytes, little end first, as Spin keeps it.
    fn increment(&self, key: &str, delta: i64) -> Outcome<i64> {
        self.atomically(|connection| {
            let mut limit = ResultLimit::new(MAX_RESULT);
            let number = match self.get_with(connection, key, &mut limit)? {
                None => 0,
                Some(bytes) => {
                    let bytes = bytes.try_into();
                    i64::from_le_bytes(bytes.map_err(|_| Fault::NoInteger(key.to_owned()))?)
                }
            };
            let sum = number.checked_add(delta);
            let sum = sum.ok_or_else(|| Fault::Overflow(key.to_owned()))?;
            self.set_with(connection, key, &sum.to_le_bytes())?;
            Ok(sum)
        })
    }

    /// Whether `key` still had the value `expected` and now has `value`.
    fn swap(&self, key: &str, expected: Option<&[u8]>, value: &[u8]) -> Outcome<bool> {
        self.atomically(|connection| {
            let mut limit = ResultLimit::new(MAX_RESULT);
            let unchanged = self.get_with(connection, key, &mut limit)?.as_deref() == expected;
            if unchanged {
                self.set_with(connection, key, value)?;
            }
            Ok(unchanged)
        })
    }
}

/// A key and the value it was last seen with.
#[derive(Clone)]
pub struct Cas {
    store: Store,
    key: String,
    seen: Option<Vec<u8>>,
}

impl Cas {
    /// The bytes that the host keeps for as long as the guest has the handle.
    fn held(&self) -> usize {
        self.key.len() + self.seen.as_ref().map_or(0, Vec::len)
    }
}

/// Why a store was not opened.
enum NotOpened {
    Denied,
    TooMany,
}

impl State {
    fn open_store(&mut self, label: &str) -> wasmtime::Result<Result<Resource<Store>, NotOpened>> {
        let Some(store) = self.grants.key_value.get(label) else {
            return Ok(Err(NotOpened::Denied));
        };
        if self.open_stores == MAX_OPEN_STORES {
            return Ok(Err(NotOpened::TooMany));
        }
        self.open_stores += 1;
        Ok(Ok(self.table.push(store.clone())?))
    }

    fn close_store(&mut self, store: Resource<Store>) -> wasmtime::Result<()> {
        self.table.delete(store)?;
        self.open_stores -= 1;
        Ok(())
    }

    /// Runs `operation` on an open store with the bound on its result; what fails becomes the interface's own error.
    async fn with_store<T: Send + 'static, E: From<Fault>>(
        &mut self,
        store: &Resource<Store>,
        operation: impl FnOnce(&Store, ResultLimit) -> Outcome<T> + Send + 'static,
    ) -> wasmtime::Result<Result<T, E>> {
        let store = self.table.get(store)?.clone();
        let limit = self.memory.result();
        let outcome = blocking(move || operation(&store, limit)).await?;
        Ok(outcome.map_err(E::from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_values_count_together() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("test.db")).unwrap();
        let store = Store::new(Arc::new(database), "default");
        let keys = ["a", "b", "c"].map(str::to_owned);
        for key in &keys {
            store.set(key, &[0; 1000]).unwrap();
        }
        let found = store.get_many(&keys, ResultLimit::new(4000)).unwrap();
        assert_eq!(found.len(), 3);
        let error = store.get_many(&keys, ResultLimit::new(2500)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "query result exceeds limit of 2500 bytes"
        );
    }
}
