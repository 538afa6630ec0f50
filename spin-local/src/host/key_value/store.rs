//! Key-value stores in SQLite files, with the table layout of Spin, so that both can use the same
//! files.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use rusqlite::{Connection, TransactionBehavior};

use crate::host::limit::{MAX_RESULT, ResultLimit, TooLarge, limit_sqlite_values};

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

/// The error of an operation on a store.
#[derive(Debug, thiserror::Error)]
pub(in crate::host) enum StoreError {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    #[error("the value of `{0}` is not a 64-bit integer")]
    NotInteger(String),
    #[error("the sum for `{0}` is not a 64-bit integer")]
    Overflow(String),
}

pub(super) type StoreResult<T> = Result<T, StoreError>;

/// A file of key-value data. Its stores share one connection: SQLite allows one writer at a time in
/// any case, and a warm connection serves a read in microseconds.
pub(in crate::host) struct Database {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl Database {
    /// Opens the file. Creates it and its table if they are missing.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or is not a database.
    pub(in crate::host) fn open(path: &Path) -> anyhow::Result<Self> {
        let open = || -> rusqlite::Result<_> {
            let connection = Connection::open(path)?;
            limit_sqlite_values(&connection)?;
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
        // A panic in another thread does not make the connection unusable.
        let connection = self.connection.lock();
        connection.unwrap_or_else(PoisonError::into_inner)
    }
}

/// The store of one label within a file.
#[derive(Clone)]
pub struct Store {
    database: Arc<Database>,
    label: String,
}

impl Store {
    pub(in crate::host) fn new(database: Arc<Database>, label: &str) -> Self {
        Self {
            database,
            label: label.to_owned(),
        }
    }

    pub(in crate::host) fn path(&self) -> &Path {
        &self.database.path
    }

    pub(super) fn get(&self, key: &str, mut limit: ResultLimit) -> StoreResult<Option<Vec<u8>>> {
        self.get_with(&self.database.lock(), key, &mut limit)
    }

    /// Sets the value of `key`.
    pub(in crate::host) fn set(&self, key: &str, value: &[u8]) -> StoreResult<()> {
        self.set_with(&self.database.lock(), key, value)
    }

    pub(super) fn delete(&self, key: &str) -> StoreResult<()> {
        self.delete_with(&self.database.lock(), key)
    }

    pub(super) fn exists(&self, key: &str) -> StoreResult<bool> {
        let connection = self.database.lock();
        let mut statement = connection.prepare_cached(EXISTS)?;
        Ok(statement.exists([&self.label, key])?)
    }

    pub(super) fn keys(&self, mut limit: ResultLimit) -> StoreResult<Vec<String>> {
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
    ) -> StoreResult<Option<Vec<u8>>> {
        let mut statement = connection.prepare_cached(GET)?;
        let mut rows = statement.query([&self.label, key])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let value = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
        limit.take(size_of::<Option<Vec<u8>>>() + value.len())?;
        Ok(Some(value.to_vec()))
    }

    fn set_with(&self, connection: &Connection, key: &str, value: &[u8]) -> StoreResult<()> {
        let mut statement = connection.prepare_cached(SET)?;
        statement.execute((&self.label, key, value))?;
        Ok(())
    }

    fn delete_with(&self, connection: &Connection, key: &str) -> StoreResult<()> {
        let mut statement = connection.prepare_cached(DELETE)?;
        statement.execute([&self.label, key])?;
        Ok(())
    }

    /// Runs `change` as a transaction that excludes other writers, including a Spin process that
    /// uses the same file.
    fn atomically<T>(&self, change: impl FnOnce(&Connection) -> StoreResult<T>) -> StoreResult<T> {
        let mut connection = self.database.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let outcome = change(&transaction)?;
        transaction.commit()?;
        Ok(outcome)
    }

    pub(super) fn get_many(
        &self,
        keys: &[String],
        mut limit: ResultLimit,
    ) -> StoreResult<Vec<(String, Option<Vec<u8>>)>> {
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

    pub(super) fn set_many(&self, pairs: &[(String, Vec<u8>)]) -> StoreResult<()> {
        self.atomically(|connection| {
            let mut pairs = pairs.iter();
            pairs.try_for_each(|(key, value)| self.set_with(connection, key, value))
        })
    }

    pub(super) fn delete_many(&self, keys: &[String]) -> StoreResult<()> {
        self.atomically(|connection| {
            let mut keys = keys.iter();
            keys.try_for_each(|key| self.delete_with(connection, key))
        })
    }

    /// Adds `delta` to a number, which is stored in eight little-endian bytes, as in Spin.
    pub(super) fn increment(&self, key: &str, delta: i64) -> StoreResult<i64> {
        self.atomically(|connection| {
            let mut limit = ResultLimit::new(MAX_RESULT);
            let number = match self.get_with(connection, key, &mut limit)? {
                None => 0,
                Some(bytes) => {
                    let bytes = bytes.try_into();
                    i64::from_le_bytes(bytes.map_err(|_| StoreError::NotInteger(key.to_owned()))?)
                }
            };
            let sum = number.checked_add(delta);
            let sum = sum.ok_or_else(|| StoreError::Overflow(key.to_owned()))?;
            self.set_with(connection, key, &sum.to_le_bytes())?;
            Ok(sum)
        })
    }

    /// Sets the value of `key` if it is still `expected`. Returns `false` if it is not.
    pub(super) fn swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
    ) -> StoreResult<bool> {
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

/// A key and its last known value, for a compare-and-swap.
#[derive(Clone)]
pub struct Cas {
    pub(super) store: Store,
    pub(super) key: String,
    pub(super) seen: Option<Vec<u8>>,
}

impl Cas {
    /// Returns the number of bytes that the host holds while the guest has the handle.
    pub(super) fn held(&self) -> usize {
        self.key.len() + self.seen.as_ref().map_or(0, Vec::len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_of_one_result_share_its_limit() {
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
