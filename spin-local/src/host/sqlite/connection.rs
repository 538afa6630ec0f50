//! Databases and the connections of guests to them. Each connection of a guest is a separate
//! connection to the file.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use rusqlite::Row;
use rusqlite::types::{Value, ValueRef};

use super::handle::Handle;
use crate::host::limit::{ResultLimit, TooLarge};

/// The maximum number of idle connections to a file. They are kept because opening a file and
/// reading its schema takes several times as long as a small query.
const MAX_IDLE_CONNECTIONS: usize = 32;

/// A database file.
pub(in crate::host) struct Database {
    path: PathBuf,
    /// Open connections that no guest holds and that carry no state of an earlier guest.
    idle: Mutex<Vec<Handle>>,
}

impl Database {
    pub(in crate::host) fn new(path: PathBuf) -> Self {
        Self {
            path,
            idle: Mutex::default(),
        }
    }

    /// Runs statements, for `--sqlite`.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or a statement fails.
    pub(in crate::host) fn execute_batch(&self, statements: &str) -> anyhow::Result<()> {
        Handle::open(&self.path)
            .and_then(|handle| handle.connection.execute_batch(statements))
            .with_context(|| format!("on the database `{}`", self.path.display()))
    }

    /// Runs one statement, for `--sqlite` without a file.
    ///
    /// # Errors
    ///
    /// The text has several statements, of which Spin runs only the first, or as
    /// [`Database::execute_batch`].
    pub(in crate::host) fn execute_one(&self, statement: &str) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.is_single(statement).unwrap_or(true),
            "it has more than one statement: put them into a file, for `--sqlite @FILE`"
        );
        self.execute_batch(statement)
    }

    /// Tells whether the text has one statement at most. It is an error if the first one is invalid.
    fn is_single(&self, text: &str) -> rusqlite::Result<bool> {
        use rusqlite::fallible_iterator::FallibleIterator as _;

        let handle = Handle::open(&self.path)?;
        let mut statements = rusqlite::Batch::new(&handle.connection, text);
        statements.next()?;
        // A second one can be invalid before the first one has run.
        Ok(matches!(statements.next(), Ok(None)))
    }

    pub(in crate::host) fn path(&self) -> &Path {
        &self.path
    }

    fn take(&self) -> rusqlite::Result<Handle> {
        match lock(&self.idle).pop() {
            Some(handle) => Ok(handle),
            None => Handle::open(&self.path),
        }
    }

    fn release(&self, handle: Handle) {
        let mut idle = lock(&self.idle);
        if handle.is_reusable() && idle.len() < MAX_IDLE_CONNECTIONS {
            idle.push(handle);
        }
    }
}

/// Locks a mutex. A panic in another thread does not make a connection unusable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The error of a statement.
#[derive(Debug, thiserror::Error)]
pub(super) enum QueryError {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

/// The result of a statement: the names of the columns, and the rows with their values.
pub(super) struct Rows {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Vec<Value>>,
}

/// A connection of a guest. As on Spin, the first statement opens the file.
#[derive(Clone)]
pub struct Connection {
    database: Arc<Database>,
    handle: Arc<Mutex<Option<Handle>>>,
}

impl Connection {
    pub(super) fn new(database: Arc<Database>) -> Self {
        Self {
            database,
            handle: Arc::default(),
        }
    }

    pub(super) fn execute(
        &self,
        statement: &str,
        parameters: &[Value],
        limit: ResultLimit,
    ) -> Result<Rows, QueryError> {
        let mut slot = lock(&self.handle);
        let handle = match &mut *slot {
            Some(handle) => handle,
            slot => slot.insert(self.database.take()?),
        };
        run(&handle.connection, statement, parameters, limit)
    }

    /// Returns the value that `read` finds on the open connection, or the default before it is open.
    pub(super) fn read<T: Default>(&self, read: impl FnOnce(&rusqlite::Connection) -> T) -> T {
        let handle = lock(&self.handle);
        handle
            .as_ref()
            .map(|handle| read(&handle.connection))
            .unwrap_or_default()
    }

    /// Opens the file with a new connection, on which no counts of an earlier guest are visible.
    pub(super) fn open_new(&self) -> rusqlite::Result<()> {
        *lock(&self.handle) = Some(Handle::open(&self.database.path)?);
        Ok(())
    }

    pub(super) fn close(&self) {
        if let Some(handle) = lock(&self.handle).take() {
            self.database.release(handle);
        }
    }
}

fn run(
    connection: &rusqlite::Connection,
    statement: &str,
    parameters: &[Value],
    mut limit: ResultLimit,
) -> Result<Rows, QueryError> {
    let mut statement = connection.prepare_cached(statement)?;
    let names = statement.column_names();
    let columns: Vec<String> = names.map(str::to_owned).collect();
    let mut found = statement.query(rusqlite::params_from_iter(parameters))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        rows.push(values(row, columns.len(), &mut limit)?);
    }
    Ok(Rows { columns, rows })
}

/// Returns the values of a row, each counted before it is copied.
fn values(row: &Row<'_>, width: usize, limit: &mut ResultLimit) -> Result<Vec<Value>, QueryError> {
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
