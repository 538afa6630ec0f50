//! The SQLite capability: each connection a guest opens is a connection of its own to the file
//! behind the label.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use wasmtime::component::Resource;

use super::State;
use super::bindings::fermyon::spin::sqlite as wit;
use super::blocking;

pub(crate) use wit::{Error, QueryResult, RowResult, Value};

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

    fn execute(&self, statement: &str, parameters: &[Value]) -> rusqlite::Result<QueryResult> {
        let mut slot = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let connection = match &mut *slot {
            Some(connection) => connection,
            none => none.insert(self.database.connect()?),
        };
        run(connection, statement, parameters)
    }
}

fn run(
    connection: &rusqlite::Connection,
    statement: &str,
    parameters: &[Value],
) -> rusqlite::Result<QueryResult> {
    let mut statement = connection.prepare_cached(statement)?;
    let columns: Vec<String> = statement
        .column_names()
        .into_iter()
        .map(Into::into)
        .collect();
    let width = columns.len();
    let rows = statement
        .query_map(rusqlite::params_from_iter(parameters), |row| {
            let values = (0..width)
                .map(|column| row.get(column))
                .collect::<Result<_, _>>()?;
            Ok(RowResult { values })
        })?
        .collect::<Result<_, _>>()?;
    Ok(QueryResult { columns, rows })
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Integer(integer) => ValueRef::Integer(*integer),
            Value::Real(real) => ValueRef::Real(*real),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(blob) => ValueRef::Blob(blob),
        }))
    }
}

impl FromSql for Value {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(match value {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(integer) => Value::Integer(integer),
            ValueRef::Real(real) => Value::Real(real),
            ValueRef::Text(text) => {
                Value::Text(String::from_utf8(text.to_vec()).map_err(FromSqlError::other)?)
            }
            ValueRef::Blob(blob) => Value::Blob(blob.to_vec()),
        })
    }
}

impl wit::Host for State {}

impl wit::HostConnection for State {
    async fn open(
        &mut self,
        label: String,
    ) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        let Some(database) = self.grants.sqlite.get(&label) else {
            return Ok(Err(Error::AccessDenied));
        };
        if self.open_connections == MAX_OPEN_CONNECTIONS {
            return Ok(Err(Error::Io("too many connections opened".to_owned())));
        }
        self.open_connections += 1;
        let connection = Connection::new(database.clone());
        Ok(Ok(self.table.push(connection)?))
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<QueryResult, Error>> {
        let connection = self.table.get(&connection)?.clone();
        let result = blocking(move || connection.execute(&statement, &parameters)).await?;
        Ok(result.map_err(|error| Error::Io(error.to_string())))
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        self.open_connections -= 1;
        Ok(())
    }
}
