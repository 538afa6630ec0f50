//! The SQLite capability: each connection a guest opens is a connection of its own to the file
//! behind the label.

mod handle;
mod interfaces;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use rusqlite::Row;
use rusqlite::types::{Value, ValueRef};
use wasmtime::component::Resource;

use super::limit::{ResultLimit, TooLarge};
use super::{State, blocking};
use handle::Handle;

pub(super) use handle::limit_values;

/// Connections one instance may hold open; Spin's number.
const MAX_OPEN_CONNECTIONS: usize = 256;

/// Connections kept for the next guest: opening a file and reading its schema costs several
/// times what a small query does.
const MAX_IDLE_CONNECTIONS: usize = 32;

/// A database file that connections are opened to.
pub(crate) struct Database {
    path: PathBuf,
    /// Open connections that no guest has, and that are as good as new.
    idle: Mutex<Vec<Handle>>,
}

impl Database {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            idle: Mutex::default(),
        }
    }

    /// Runs statements before the app serves: those of `--sqlite`.
    pub(crate) fn execute_batch(&self, statements: &str) -> anyhow::Result<()> {
        Handle::open(&self.path)
            .and_then(|handle| handle.connection.execute_batch(statements))
            .with_context(|| format!("on the database `{}`", self.path.display()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn take(&self) -> rusqlite::Result<Handle> {
        match lock(&self.idle).pop() {
            Some(handle) => Ok(handle),
            None => Handle::open(&self.path),
        }
    }

    fn give_back(&self, handle: Handle) {
        let mut idle = lock(&self.idle);
        if handle.is_as_good_as_new() && idle.len() < MAX_IDLE_CONNECTIONS {
            idle.push(handle);
        }
    }
}

/// A panic elsewhere leaves a connection as usable as SQLite left it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a statement has no outcome.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

/// What a statement gave back: the columns' names, and the rows' values in their order.
struct Outcome {
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
}

/// A guest's connection. The file is opened with its first statement, as on Spin.
#[derive(Clone)]
pub struct Connection {
    database: Arc<Database>,
    handle: Arc<Mutex<Option<Handle>>>,
}

impl Connection {
    fn new(database: Arc<Database>) -> Self {
        Self {
            database,
            handle: Arc::default(),
        }
    }

    fn execute(
        &self,
        statement: &str,
        parameters: &[Value],
        limit: ResultLimit,
    ) -> Result<Outcome, Fault> {
        let mut slot = lock(&self.handle);
        let handle = match &mut *slot {
            Some(handle) => handle,
            none => none.insert(self.database.take()?),
        };
        run(&handle.connection, statement, parameters, limit)
    }

    /// What `question` answers of the open connection, or 0 before there is one.
    fn ask<T: Default>(&self, question: impl FnOnce(&rusqlite::Connection) -> T) -> T {
        let handle = lock(&self.handle);
        handle
            .as_ref()
            .map(|handle| question(&handle.connection))
            .unwrap_or_default()
    }

    /// Opens the file now, so that no earlier guest's counts are seen on the connection.
    fn open_anew(&self) -> rusqlite::Result<()> {
        *lock(&self.handle) = Some(Handle::open(&self.database.path)?);
        Ok(())
    }

    fn close(&self) {
        if let Some(handle) = lock(&self.handle).take() {
            self.database.give_back(handle);
        }
    }
}

fn run(
    connection: &rusqlite::Connection,
    statement: &str,
    parameters: &[Value],
    mut limit: ResultLimit,
) -> Result<Outcome, Fault> {
    let mut statement = connection.prepare_cached(statement)?;
    let names = statement.column_names();
    let columns: Vec<String> = names.map(str::to_owned).collect();
    let mut found = statement.query(rusqlite::params_from_iter(parameters))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        rows.push(values(row, columns.len(), &mut limit)?);
    }
    Ok(Outcome { columns, rows })
}

/// The values of a row, each counted before it is copied.
fn values(row: &Row<'_>, width: usize, limit: &mut ResultLimit) -> Result<Vec<Value>, Fault> {
    limit.take(size_of::<Vec<Value>>())?;
    let value = |column| {
        let length = match row.get_ref(column)? {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
            ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => 0,
        };
        limit.take(size_of::<Value>() + length)?;
        Ok(row.get(column)?)
    };
    (0..width).map(value).collect()
}

/// Why a connection was not opened.
enum NotOpened {
    Denied,
    TooMany,
}

impl State {
    fn open_connection(
        &mut self,
        label: &str,
    ) -> wasmtime::Result<Result<Resource<Connection>, NotOpened>> {
        let Some(database) = self.grants.sqlite.get(label) else {
            return Ok(Err(NotOpened::Denied));
        };
        if self.open_connections == MAX_OPEN_CONNECTIONS {
            return Ok(Err(NotOpened::TooMany));
        }
        self.open_connections += 1;
        let connection = Connection::new(database.clone());
        Ok(Ok(self.table.push(connection)?))
    }

    fn close_connection(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?.close();
        self.open_connections -= 1;
        Ok(())
    }

    async fn execute_statement(
        &mut self,
        connection: &Resource<Connection>,
        statement: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<Outcome, Fault>> {
        let connection = self.table.get(connection)?.clone();
        let limit = self.memory.result();
        blocking(move || connection.execute(&statement, &parameters, limit)).await
    }
}
