//! `fermyon:spin/postgres@2.0.0`: numbers, texts and bytes only, and errors as texts.

use wasmtime::component::Resource;

use super::connection::Connection;
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

impl From<version_4::Error> for Error {
    fn from(error: version_4::Error) -> Self {
        match error {
            version_4::Error::ConnectionFailed(text) => Self::ConnectionFailed(text),
            version_4::Error::BadParameter(text) => Self::BadParameter(text),
            version_4::Error::QueryFailed(error) => Self::QueryFailed(text_of(error)),
            version_4::Error::ValueConversionFailed(text) => Self::ValueConversionFailed(text),
            version_4::Error::Other(text) => Self::Other(text),
        }
    }
}

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

impl From<version_4::DbValue> for DbValue {
    fn from(value: version_4::DbValue) -> Self {
        match value {
            version_4::DbValue::Boolean(value) => Self::Boolean(value),
            version_4::DbValue::Int8(value) => Self::Int8(value),
            version_4::DbValue::Int16(value) => Self::Int16(value),
            version_4::DbValue::Int32(value) => Self::Int32(value),
            version_4::DbValue::Int64(value) => Self::Int64(value),
            version_4::DbValue::Floating32(value) => Self::Floating32(value),
            version_4::DbValue::Floating64(value) => Self::Floating64(value),
            version_4::DbValue::Str(value) => Self::Str(value),
            version_4::DbValue::Binary(value) => Self::Binary(value),
            version_4::DbValue::DbNull => Self::DbNull,
            _ => Self::Unsupported,
        }
    }
}

impl From<version_4::DbDataType> for DbDataType {
    fn from(kind: version_4::DbDataType) -> Self {
        match kind {
            version_4::DbDataType::Boolean => Self::Boolean,
            version_4::DbDataType::Int8 => Self::Int8,
            version_4::DbDataType::Int16 => Self::Int16,
            version_4::DbDataType::Int32 => Self::Int32,
            version_4::DbDataType::Int64 => Self::Int64,
            version_4::DbDataType::Floating32 => Self::Floating32,
            version_4::DbDataType::Floating64 => Self::Floating64,
            version_4::DbDataType::Str => Self::Str,
            version_4::DbDataType::Binary => Self::Binary,
            _ => Self::Other,
        }
    }
}

impl From<version_4::RowSet> for RowSet {
    fn from(result: version_4::RowSet) -> Self {
        let columns = result.columns.into_iter().map(|column| Column {
            name: column.name,
            data_type: column.data_type.into(),
        });
        let rows = result.rows.into_iter();
        let values = |row: Vec<version_4::DbValue>| row.into_iter().map(Into::into).collect();
        Self {
            columns: columns.collect(),
            rows: rows.map(values).collect(),
        }
    }
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
