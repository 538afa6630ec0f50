//! `spin:postgres/postgres@4.1.0`, which includes 4.0.0.

use wasmtime::component::Resource;

use super::connection::{Builder, Connection};
use crate::host::bindings::spin::postgres4_1_0::postgres::{
    Error, Host, HostConnection, HostConnectionBuilder, ParameterValue, RowSet,
};
use crate::host::state::State;

type HostResult<T> = wasmtime::Result<Result<T, Error>>;

impl Host for State {}

impl HostConnection for State {
    async fn open(&mut self, address: String) -> HostResult<Resource<Connection>> {
        self.open_postgres(&address, None).await
    }

    async fn query(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> HostResult<RowSet> {
        self.query_postgres(&connection, &statement, parameters)
            .await
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> HostResult<u64> {
        self.execute_postgres(&connection, &statement, parameters)
            .await
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.close_postgres(connection)
    }
}

impl HostConnectionBuilder for State {
    async fn new(&mut self, address: String) -> wasmtime::Result<Resource<Builder>> {
        self.new_postgres_builder(address)
    }

    async fn set_ca_root(
        &mut self,
        builder: Resource<Builder>,
        certificate: String,
    ) -> HostResult<()> {
        self.trust_postgres_root(&builder, certificate)
    }

    async fn build(&mut self, builder: Resource<Builder>) -> HostResult<Resource<Connection>> {
        self.build_postgres(&builder).await
    }

    async fn drop(&mut self, builder: Resource<Builder>) -> wasmtime::Result<()> {
        self.table.delete(builder)?;
        Ok(())
    }
}
