//! The key-value capability: SQLite files with the table layout of Spin's, so that either finds
//! what the other left.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use rusqlite::OptionalExtension;
use wasmtime::component::Resource;

use super::State;
use super::bindings::fermyon::spin::key_value as wit;
use super::blocking;

pub(crate) use wit::Error;

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

/// One file of key-value data. Every store in it shares the connection: SQLite serves one
/// writer at a time in any case, and a warm connection answers a read in microseconds.
pub(crate) struct Database {
    path: PathBuf,
    connection: Mutex<rusqlite::Connection>,
}

impl Database {
    /// Opens the file, making it and its table where they are missing.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let open = || -> rusqlite::Result<_> {
            let connection = rusqlite::Connection::open(path)?;
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

    fn lock(&self) -> MutexGuard<'_, rusqlite::Connection> {
        // A panic elsewhere leaves the connection as usable as SQLite left it.
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
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

    fn get(&self, key: &str) -> rusqlite::Result<Option<Vec<u8>>> {
        let connection = self.database.lock();
        let mut statement = connection.prepare_cached(GET)?;
        statement
            .query_row([&self.label, key], |row| row.get(0))
            .optional()
    }

    /// Puts `value` under `key`.
    pub(crate) fn set(&self, key: &str, value: &[u8]) -> rusqlite::Result<()> {
        let connection = self.database.lock();
        let mut statement = connection.prepare_cached(SET)?;
        statement.execute((&self.label, key, value)).map(drop)
    }

    fn delete(&self, key: &str) -> rusqlite::Result<()> {
        let connection = self.database.lock();
        let mut statement = connection.prepare_cached(DELETE)?;
        statement.execute([&self.label, key]).map(drop)
    }

    fn exists(&self, key: &str) -> rusqlite::Result<bool> {
        let connection = self.database.lock();
        let mut statement = connection.prepare_cached(EXISTS)?;
        statement.exists([&self.label, key])
    }

    fn keys(&self) -> rusqlite::Result<Vec<String>> {
        let connection = self.database.lock();
        let mut statement = connection.prepare_cached(KEYS)?;
        statement
            .query_map([&self.label], |row| row.get(0))?
            .collect()
    }
}

impl State {
    fn open_store(&mut self, label: &str) -> wasmtime::Result<Result<Resource<Store>, Error>> {
        let Some(store) = self.grants.key_value.get(label) else {
            return Ok(Err(Error::AccessDenied));
        };
        if self.open_stores == MAX_OPEN_STORES {
            return Ok(Err(Error::StoreTableFull));
        }
        self.open_stores += 1;
        Ok(Ok(self.table.push(store.clone())?))
    }

    async fn with_store<T: Send + 'static>(
        &mut self,
        store: &Resource<Store>,
        operation: impl FnOnce(Store) -> rusqlite::Result<T> + Send + 'static,
    ) -> wasmtime::Result<Result<T, Error>> {
        let store = self.table.get(store)?.clone();
        let result = blocking(move || operation(store)).await?;
        Ok(result.map_err(|error| Error::Other(error.to_string())))
    }
}

impl wit::Host for State {}

impl wit::HostStore for State {
    async fn open(&mut self, label: String) -> wasmtime::Result<Result<Resource<Store>, Error>> {
        self.open_store(&label)
    }

    async fn get(
        &mut self,
        store: Resource<Store>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        self.with_store(&store, move |store| store.get(&key)).await
    }

    async fn set(
        &mut self,
        store: Resource<Store>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        self.with_store(&store, move |store| store.set(&key, &value))
            .await
    }

    async fn delete(
        &mut self,
        store: Resource<Store>,
        key: String,
    ) -> wasmtime::Result<Result<(), Error>> {
        self.with_store(&store, move |store| store.delete(&key))
            .await
    }

    async fn exists(
        &mut self,
        store: Resource<Store>,
        key: String,
    ) -> wasmtime::Result<Result<bool, Error>> {
        self.with_store(&store, move |store| store.exists(&key))
            .await
    }

    async fn get_keys(
        &mut self,
        store: Resource<Store>,
    ) -> wasmtime::Result<Result<Vec<String>, Error>> {
        self.with_store(&store, |store| store.keys()).await
    }

    async fn drop(&mut self, store: Resource<Store>) -> wasmtime::Result<()> {
        self.table.delete(store)?;
        self.open_stores -= 1;
        Ok(())
    }
}
