//! `spin:postgres/postgres@3.0.0`: fewer types, and errors as texts.

use wasmtime::component::Resource;

use super::connection::Connection;
use super::conversions::conversions_from_version_4;
use super::error::text_of;
use crate::host::bindings::spin::postgres3_0_0::postgres::{
    Column, DbDataType, DbValue, Error, Host, HostConnection, ParameterValue, RowSet,
};
use crate::host::bindings::spin::postgres4_1_0::postgres as version_4;
use crate::host::state::State;

type HostResult<T> = wasmtime::Result<Result<T, Error>>;

conversions_from_version_4!(
    Boolean, Int8, Int16, Int32, Int64, Floating32, Floating64, Str, Binary, Date, Time, Datetime,
    Timestamp
);

impl From<ParameterValue> for version_4::ParameterValue {
    fn from(value: ParameterValue) -> Self {
        match value {
            ParameterValue::Boolean(value) => Self::Boolean(value),
            ParameterValue::Int8(value) => Self::Int8(value),
            ParameterValue::Int16(value) => Self::Int16(value),
            ParameterValue::Int32(value) => Self::Int32(value),
            ParameterValue::Int64(value) => Self::Int64(value),
            ParameterValue::Floating32(value) => Self::Floating32(value),
            ParameterValue::Floating64(value) => Self::Floating64(value),
            ParameterValue::Str(value) => Self::Str(value),
            ParameterValue::Binary(value) => Self::Binary(value),
            ParameterValue::Date(value) => Self::Date(value),
            ParameterValue::Time(value) => Self::Time(value),
            ParameterValue::Datetime(value) => Self::Datetime(value),
            ParameterValue::Timestamp(value) => Self::Timestamp(value),
            ParameterValue::DbNull => Self::DbNull,
        }
    }
}

impl Host for State {}

impl HostConnection for State {
    async fn open(&mut self, address: String) -> HostResult<Resource<Connection>> {
        let opened = self.open_postgres(&address, None).await?;
        Ok(opened.map_err(Into::into))
    }

    async fn query(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> HostResult<RowSet> {
        let parameters = parameters.into_iter().map(Into::into).collect();
        let result = self.query_postgres(&connection, &statement, parameters);
        Ok(result.await?.map(Into::into).map_err(Into::into))
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> HostResult<u64> {
        let parameters = parameters.into_iter().map(Into::into).collect();
        let changed = self.execute_postgres(&connection, &statement, parameters);
        Ok(changed.await?.map_err(Into::into))
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.close_postgres(connection)
    }
}
