//! The SQLite capability: each connection a guest opens is a connection of its own to the file
//! behind the label.

mod interfaces;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::Value;
use wasmtime::component::Resource;

use super::{State, blocking};

/// Connections one instance may hold open; Spin's number.
const MAX_OPEN_CONNECTIONS: usize = 256;

/// A database file that connections are opened to.
pub(crate) struct Database {
    path: PathBuf,
}

impl Database {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    fn connect(&self) -> rusqlite::Result<rusqlite::Connection> {
        let mut connection = rusqlite::Connection::open(&self.path)?;
        connection.authorizer(Some(keep_to_this_file))?;
        Ok(connection)
    }

    /// Runs statements before the app serves: those of `--sqlite`.
    pub(crate) fn execute_batch(&self, statements: &str) -> anyhow::Result<()> {
        self.connect()
            .and_then(|connection| connection.execute_batch(statements))
            .with_context(|| format!("on the database `{}`", self.path.display()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// A guest has the file it was granted, not every file of the host: `ATTACH` reaches only
/// temporary databases.
fn keep_to_this_file(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Attach { filename } if !matches!(filename, "" | ":memory:") => {
            Authorization::Deny
        }
        _ => Authorization::Allow,
    }
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
    connection: Arc<Mutex<Option<rusqlite::Connection>>>,
}

impl Connection {
    fn new(database: Arc<Database>) -> Self {
        Self {
            database,
            connection: Arc::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<rusqlite::Connection>> {
        // A panic elsewhere leaves the connection as usable as SQLite left it.
        let connection = self.connection.lock();
        connection.unwrap_or_else(PoisonError::into_inner)
    }

    fn execute(&self, statement: &str, parameters: &[Value]) -> rusqlite::Result<Outcome> {
        let mut slot = self.lock();
        let connection = match &mut *slot {
            Some(connection) => connection,
            none => none.insert(self.database.connect()?),
        };
        run(connection, statement, parameters)
    }

    /// What `question` answers of the open connection, or 0 before there is one.
    fn ask<T: Default>(&self, question: impl FnOnce(&rusqlite::Connection) -> T) -> T {
        self.lock().as_ref().map(question).unwrap_or_default()
    }
}

fn run(
    connection: &rusqlite::Connection,
    statement: &str,
    parameters: &[Value],
) -> rusqlite::Result<Outcome> {
    let mut statement = connection.prepare_cached(statement)?;
    let names = statement.column_names();
    let columns: Vec<String> = names.map(str::to_owned).collect();
    let width = columns.len();
    let rows = statement.query_map(rusqlite::params_from_iter(parameters), |row| {
        (0..width).map(|column| row.get(column)).collect()
    })?;
    let rows = rows.collect::<Result<_, _>>()?;
    Ok(Outcome { columns, rows })
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
        self.table.delete(connection)?;
        self.open_connections -= 1;
        Ok(())
    }

    async fn execute_statement(
        &mut self,
        connection: &Resource<Connection>,
        statement: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<rusqlite::Result<Outcome>> {
        let connection = self.table.get(connection)?.clone();
        blocking(move || connection.execute(&statement, &parameters)).await
    }
}
