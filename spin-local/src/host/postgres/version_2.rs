//! `fermyon:spin/postgres@2.0.0`: numbers, texts and bytes only, and errors as texts.

use wasmtime::component::Resource;

use super::connection::Connection;
use super::conversions::conversions_from_version_4;
use super::error::text_of;
use crate::host::bindings::fermyon::spin::postgres::{Host, HostConnection};
use crate::host::bindings::fermyon::spin::rdbms_types::{
    self, Column, DbDataType, DbValue, Error, ParameterValue, RowSet,
};
use crate::host::bindings::spin::postgres4_1_0::postgres as version_4;
use crate::host::state::State;

type HostResult<T> = wasmtime::Result<Result<T, Error>>;

/// The message of Spin for a parameter that PostgreSQL has no type for.
const UNSIGNED: &str = "Postgres does not support unsigned integers";

conversions_from_version_4!(
    Boolean, Int8, Int16, Int32, Int64, Floating32, Floating64, Str, Binary
);

fn parameters(values: Vec<ParameterValue>) -> Result<Vec<version_4::ParameterValue>, Error> {
    values.into_iter().map(parameter).collect()
}

fn parameter(value: ParameterValue) -> Result<version_4::ParameterValue, Error> {
    type Converted = version_4::ParameterValue;
    Ok(match value {
        ParameterValue::Boolean(value) => Converted::Boolean(value),
        ParameterValue::Int8(value) => Converted::Int8(value),
        ParameterValue::Int16(value) => Converted::Int16(value),
        ParameterValue::Int32(value) => Converted::Int32(value),
        ParameterValue::Int64(value) => Converted::Int64(value),
        ParameterValue::Uint8(_)
        | ParameterValue::Uint16(_)
        | ParameterValue::Uint32(_)
        | ParameterValue::Uint64(_) => {
            return Err(Error::ValueConversionFailed(UNSIGNED.to_owned()));
        }
        ParameterValue::Floating32(value) => Converted::Floating32(value),
        ParameterValue::Floating64(value) => Converted::Floating64(value),
        ParameterValue::Str(value) => Converted::Str(value),
        ParameterValue::Binary(value) => Converted::Binary(value),
        ParameterValue::DbNull => Converted::DbNull,
    })
}

impl rdbms_types::Host for State {}

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
        values: Vec<ParameterValue>,
    ) -> HostResult<RowSet> {
        let parameters = match parameters(values) {
            Ok(parameters) => parameters,
            Err(error) => return Ok(Err(error)),
        };
        let result = self.query_postgres(&connection, &statement, parameters);
        Ok(result.await?.map(Into::into).map_err(Into::into))
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        values: Vec<ParameterValue>,
    ) -> HostResult<u64> {
        let parameters = match parameters(values) {
            Ok(parameters) => parameters,
            Err(error) => return Ok(Err(error)),
        };
        let changed = self.execute_postgres(&connection, &statement, parameters);
        Ok(changed.await?.map_err(Into::into))
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.close_postgres(connection)
    }
}
