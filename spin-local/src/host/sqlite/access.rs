//! The SQLite connections that a guest has open.

use rusqlite::types::Value;
use wasmtime::component::Resource;

use super::connection::{Connection, QueryError, Rows};
use crate::host::blocking::blocking;
use crate::host::state::State;

/// The maximum number of open connections of an instance, as in Spin.
const MAX_OPEN_CONNECTIONS: usize = 256;

/// The error of a connection that cannot be opened.
pub(super) enum OpenError {
    Denied,
    TooMany,
}

impl State {
    pub(super) fn open_connection(
        &mut self,
        label: &str,
    ) -> wasmtime::Result<Result<Resource<Connection>, OpenError>> {
        let Some(database) = self.grants.sqlite.get(label) else {
            return Ok(Err(OpenError::Denied));
        };
        if self.open_connections == MAX_OPEN_CONNECTIONS {
            return Ok(Err(OpenError::TooMany));
        }
        self.open_connections += 1;
        let connection = Connection::new(database.clone());
        Ok(Ok(self.table.push(connection)?))
    }

    pub(super) fn close_connection(
        &mut self,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<()> {
        self.table.delete(connection)?.close();
        self.open_connections -= 1;
        Ok(())
    }

    pub(super) async fn execute_statement(
        &mut self,
        connection: &Resource<Connection>,
        statement: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<Rows, QueryError>> {
        let connection = self.table.get(connection)?.clone();
        let limit = self.memory.result_limit();
        blocking(move || connection.execute(&statement, &parameters, limit)).await
    }
}
