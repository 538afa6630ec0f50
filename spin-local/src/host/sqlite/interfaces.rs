//! `fermyon:spin/sqlite@2.0.0` and `spin:sqlite/sqlite@3.0.0`: the same types under two names,
//! the later one with two questions more.

use rusqlite::types;
use wasmtime::component::Resource;

use super::{Connection, Fault, NotOpened, Outcome};
use crate::host::State;
use crate::host::bindings::fermyon::spin::sqlite as version_2;
use crate::host::bindings::spin::sqlite::sqlite as version_3;

/// Implements what both interfaces have: `$opened` finishes a connection that was opened, and the
/// functions of `$more` stand beside the common ones.
macro_rules! interface {
    ($wit:ident, $opened:expr, { $($more:tt)* }) => {
        impl From<NotOpened> for $wit::Error {
            fn from(reason: NotOpened) -> Self {
                match reason {
                    NotOpened::Denied => Self::AccessDenied,
                    NotOpened::TooMany => Self::Io("too many connections opened".to_owned()),
                }
            }
        }

        impl From<Fault> for $wit::Error {
            fn from(fault: Fault) -> Self {
                Self::Io(fault.to_string())
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

        impl From<Outcome> for $wit::QueryResult {
            fn from(outcome: Outcome) -> Self {
                let rows = outcome.rows.into_iter().map(|values| $wit::RowResult {
                    values: values.into_iter().map(Into::into).collect(),
                });
                Self {
                    columns: outcome.columns,
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
                let outcome = self.execute_statement(&connection, statement, parameters);
                Ok(outcome.await?.map(Into::into).map_err(Into::into))
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

interface!(version_3, State::opened_anew, {
    async fn last_insert_rowid(
        &mut self,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<i64> {
        let connection = self.table.get(&connection)?;
        Ok(connection.ask(rusqlite::Connection::last_insert_rowid))
    }

    async fn changes(&mut self, connection: Resource<Connection>) -> wasmtime::Result<u64> {
        let connection = self.table.get(&connection)?;
        Ok(connection.ask(rusqlite::Connection::changes))
    }
});

impl State {
    /// This version's guests can ask for counts, which have to begin at 0.
    fn opened_anew(
        &mut self,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<Result<Resource<Connection>, version_3::Error>> {
        match self.table.get(&connection)?.open_anew() {
            Ok(()) => Ok(Ok(connection)),
            Err(error) => {
                self.close_connection(connection)?;
                Ok(Err(Fault::from(error).into()))
            }
        }
    }
}
