//! `fermyon:spin/sqlite@2.0.0` and `spin:sqlite/sqlite@3.0.0`: the same types under two names. The
//! later interface has two more functions.

use rusqlite::types;
use wasmtime::component::Resource;

use super::access::OpenError;
use super::connection::{Connection, QueryError, Rows};
use crate::host::bindings::fermyon::spin::sqlite as version_2;
use crate::host::bindings::spin::sqlite::sqlite as version_3;
use crate::host::state::State;

/// Implements the common part of both interfaces: `$opened` completes a connection that was opened,
/// and `$more` contains further functions.
macro_rules! interface {
    ($wit:ident, $opened:expr, { $($more:tt)* }) => {
        impl From<OpenError> for $wit::Error {
            fn from(reason: OpenError) -> Self {
                match reason {
                    OpenError::Denied => Self::AccessDenied,
                    OpenError::TooMany => Self::Io("too many connections opened".to_owned()),
                }
            }
        }

        impl From<QueryError> for $wit::Error {
            fn from(error: QueryError) -> Self {
                Self::Io(error.to_string())
            }
        }

        impl From<$wit::Value> for types::Value {
            fn from(value: $wit::Value) -> Self {
                match value {
                    $wit::Value::Integer(integer) => Self::Integer(integer),
                    $wit::Value::Real(real) => Self::Real(real),
                    $wit::Value::Text(text) => Self::Text(text),
                    $wit::Value::Blob(blob) => Self::Blob(blob),
                    $wit::Value::Null => Self::Null,
                }
            }
        }

        impl From<types::Value> for $wit::Value {
            fn from(value: types::Value) -> Self {
                match value {
                    types::Value::Integer(integer) => Self::Integer(integer),
                    types::Value::Real(real) => Self::Real(real),
                    types::Value::Text(text) => Self::Text(text),
                    types::Value::Blob(blob) => Self::Blob(blob),
                    types::Value::Null => Self::Null,
                }
            }
        }

        impl From<Rows> for $wit::QueryResult {
            fn from(result: Rows) -> Self {
                let rows = result.rows.into_iter().map(|values| $wit::RowResult {
                    values: values.into_iter().map(Into::into).collect(),
                });
                Self {
                    columns: result.columns,
                    rows: rows.collect(),
                }
            }
        }

        impl $wit::Host for State {}

        impl $wit::HostConnection for State {
            async fn open(
                &mut self,
                label: String,
            ) -> wasmtime::Result<Result<Resource<Connection>, $wit::Error>> {
                match self.open_connection(&label)? {
                    Ok(connection) => $opened(self, connection),
                    Err(reason) => Ok(Err(reason.into())),
                }
            }

            async fn execute(
                &mut self,
                connection: Resource<Connection>,
                statement: String,
                parameters: Vec<$wit::Value>,
            ) -> wasmtime::Result<Result<$wit::QueryResult, $wit::Error>> {
                let parameters = parameters.into_iter().map(Into::into).collect();
                let result = self.execute_statement(&connection, statement, parameters);
                Ok(result.await?.map(Into::into).map_err(Into::into))
            }

            async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
                self.close_connection(connection)
            }

            $($more)*
        }
    };
}

interface!(version_2, |_: &mut State, connection| Ok(Ok(connection)), {
});

interface!(version_3, State::open_new_connection, {
    async fn last_insert_rowid(
        &mut self,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<i64> {
        let connection = self.table.get(&connection)?;
        Ok(connection.read(rusqlite::Connection::last_insert_rowid))
    }

    async fn changes(&mut self, connection: Resource<Connection>) -> wasmtime::Result<u64> {
        let connection = self.table.get(&connection)?;
        Ok(connection.read(rusqlite::Connection::changes))
    }
});

impl State {
    /// Completes a connection with a new handle: guests of this version can read counts, which
    /// must begin at 0.
    fn open_new_connection(
        &mut self,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<Result<Resource<Connection>, version_3::Error>> {
        match self.table.get(&connection)?.open_new() {
            Ok(()) => Ok(Ok(connection)),
            Err(error) => {
                self.close_connection(connection)?;
                Ok(Err(QueryError::from(error).into()))
            }
        }
    }
}
