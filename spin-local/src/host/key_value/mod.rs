//! The key-value capability: SQLite files with the table layout of Spin's, so that either finds
//! what the other left. Guests reach it through Spin's interface ([`spin`]) or WASI's ([`wasi`]).

mod spin;
mod wasi;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use wasmtime::component::Resource;

use super::{State, blocking};

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

    fn get(&self, key: &str) -> Outcome<Option<Vec<u8>>> {
        self.get_with(&self.database.lock(), key)
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

    fn keys(&self) -> Outcome<Vec<String>> {
        let connection = self.database.lock();
        let mut statement = connection.prepare_cached(KEYS)?;
        let keys = statement.query_map([&self.label], |row| row.get(0))?;
        Ok(keys.collect::<Result<_, _>>()?)
    }

    fn get_with(&self, connection: &Connection, key: &str) -> Outcome<Option<Vec<u8>>> {
        let mut statement = connection.prepare_cached(GET)?;
        let value = statement.query_row([&self.label, key], |row| row.get(0));
        Ok(value.optional()?)
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

    fn get_many(&self, keys: &[String]) -> Outcome<Vec<(String, Option<Vec<u8>>)>> {
        let connection = self.database.lock();
        let mut found = Vec::new();
        for key in keys {
            if let Some(value) = self.get_with(&connection, key)? {
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
            let number = match self.get_with(connection, key)? {
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
            let unchanged = self.get_with(connection, key)?.as_deref() == expected;
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

    /// Runs `operation` on an open store; what fails becomes the interface's own error.
    async fn with_store<T: Send + 'static, E: From<Fault>>(
        &mut self,
        store: &Resource<Store>,
        operation: impl FnOnce(&Store) -> Outcome<T> + Send + 'static,
    ) -> wasmtime::Result<Result<T, E>> {
        let store = self.table.get(store)?.clone();
        let outcome = blocking(move || operation(&store)).await?;
        Ok(outcome.map_err(E::from))
    }
}
