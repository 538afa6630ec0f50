//! The connections to PostgreSQL servers that a guest has open, and their statements.

use std::time::Duration;

use futures::TryStreamExt;
use tokio_postgres::RowStream;
use wasmtime::component::Resource;

use super::connect::{certificates, connect};
use super::connection::{Builder, Connection};
use super::error::{query_failed, query_failed_with};
use super::{address, parameter, value};
use crate::host::bindings::spin::postgres4_1_0::postgres::{
    Column, DbValue, Error, ParameterValue, RowSet,
};
use crate::host::limit::ResultLimit;
use crate::host::meter::Meter;
use crate::host::state::State;

/// The maximum number of open connections of an instance, as in Spin.
const MAX_OPEN_CONNECTIONS: usize = 1024;

/// The timeout for a statement: a server that accepts one and never responds must not occupy an
/// instance forever. Statements are expected to have a `statement_timeout` far below it.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(300);

impl State {
    pub(super) async fn open_postgres(
        &mut self,
        address: &str,
        ca_root: Option<&str>,
    ) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        let config = match address::check(&self.grants, address) {
            Ok(config) => config,
            Err(reason) => return Ok(Err(Error::ConnectionFailed(reason))),
        };
        if self.open_postgres_connections == MAX_OPEN_CONNECTIONS {
            let reason = "too many connections".to_owned();
            return Ok(Err(Error::ConnectionFailed(reason)));
        }
        let meter = Meter::new(&self.memory.result_limit());
        match connect(&config, ca_root, &self.grants.network.blocked, &meter).await {
            Ok(connection) => {
                self.open_postgres_connections += 1;
                Ok(Ok(self.table.push(connection)?))
            }
            Err(error) => Ok(Err(Error::ConnectionFailed(format!("{error:#}")))),
        }
    }

    pub(super) fn close_postgres(
        &mut self,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        self.open_postgres_connections -= 1;
        Ok(())
    }

    pub(super) fn new_postgres_builder(
        &mut self,
        address: String,
    ) -> wasmtime::Result<Resource<Builder>> {
        let ca_root = None;
        Ok(self.table.push(Builder { address, ca_root })?)
    }

    pub(super) fn trust_postgres_root(
        &mut self,
        builder: &Resource<Builder>,
        pem: String,
    ) -> wasmtime::Result<Result<(), Error>> {
        if let Err(error) = certificates(&pem) {
            return Ok(Err(Error::Other(error.to_string())));
        }
        self.table.get_mut(builder)?.ca_root = Some(pem);
        Ok(Ok(()))
    }

    pub(super) async fn build_postgres(
        &mut self,
        builder: &Resource<Builder>,
    ) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        let Builder { address, ca_root } = self.table.get(builder)?.clone();
        self.open_postgres(&address, ca_root.as_deref()).await
    }

    pub(super) async fn query_postgres(
        &mut self,
        connection: &Resource<Connection>,
        statement: &str,
        parameters: Vec<ParameterValue>,
    ) -> wasmtime::Result<Result<RowSet, Error>> {
        let connection = self.table.get(connection)?.clone();
        let limit = self.memory.result_limit();
        let running = query(&connection, statement, parameters, limit.clone());
        Ok(run(&connection, &limit, running).await)
    }

    pub(super) async fn execute_postgres(
        &mut self,
        connection: &Resource<Connection>,
        statement: &str,
        parameters: Vec<ParameterValue>,
    ) -> wasmtime::Result<Result<u64, Error>> {
        let connection = self.table.get(connection)?.clone();
        let limit = self.memory.result_limit();
        let running = execute(&connection, statement, parameters);
        Ok(run(&connection, &limit, running).await)
    }
}

/// Runs a statement within its timeout. A reply over the limit of a result closes the connection.
async fn run<T>(
    connection: &Connection,
    limit: &ResultLimit,
    running: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    connection.meter.begin(limit);
    let result = match tokio::time::timeout(STATEMENT_TIMEOUT, running).await {
        Ok(result) => result,
        Err(_) => {
            let seconds = STATEMENT_TIMEOUT.as_secs();
            Err(query_failed_with(format!("no result within {seconds} s")))
        }
    };
    result.map_err(|error| match connection.meter.exceeded() {
        Some(too_large) => query_failed_with(too_large.to_string()),
        None => error,
    })
}

async fn query(
    connection: &Connection,
    statement: &str,
    parameters: Vec<ParameterValue>,
    limit: ResultLimit,
) -> Result<RowSet, Error> {
    let parameters = parameter::to_server(parameters)
        .map_err(|error| Error::BadParameter(format!("{error:#}")))?;
    let rows = connection.client.query_raw(statement, parameters).await;
    collect(rows.map_err(|error| query_failed(&error))?, limit).await
}

async fn execute(
    connection: &Connection,
    statement: &str,
    parameters: Vec<ParameterValue>,
) -> Result<u64, Error> {
    let parameters = parameter::to_server(parameters)
        .map_err(|error| Error::ValueConversionFailed(format!("{error:#}")))?;
    let changed = connection.client.execute_raw(statement, parameters).await;
    changed.map_err(|error| query_failed(&error))
}

/// Collects the rows. A result over its limit is an error.
async fn collect(rows: RowStream, mut limit: ResultLimit) -> Result<RowSet, Error> {
    let mut rows = std::pin::pin!(rows);
    let mut columns: Vec<Column> = Vec::new();
    let mut found: Vec<Vec<DbValue>> = Vec::new();
    while let Some(row) = rows
        .try_next()
        .await
        .map_err(|error| query_failed(&error))?
    {
        if columns.is_empty() {
            columns = value::columns(&row);
        }
        let values =
            value::values(&row).map_err(|error| query_failed_with(format!("{error:#}")))?;
        let size: usize = values.iter().map(value::size).sum();
        limit
            .take(size_of::<Vec<DbValue>>() + size)
            .map_err(|error| query_failed_with(error.to_string()))?;
        found.push(values);
    }
    Ok(RowSet {
        columns,
        rows: found,
    })
}
