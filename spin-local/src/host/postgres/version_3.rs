//! `spin:postgres/postgres@3.0.0`: fewer types, and errors as texts.

use wasmtime::component::Resource;

use super::connection::Connection;
use super::error::text_of;
use crate::host::bindings::spin::postgres3_0_0::postgres::{
    Column, DbDataType, DbValue, Error, Host, HostConnection, ParameterValue, RowSet,
};
use crate::host::bindings::spin::postgres4_1_0::postgres as version_4;
use crate::host::state::State;

type HostResult<T> = wasmtime::Result<Result<T, Error>>;

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
            version_4::DbValue::Date(value) => Self::Date(value),
            version_4::DbValue::Time(value) => Self::Time(value),
            version_4::DbValue::Datetime(value) => Self::Datetime(value),
            version_4::DbValue::Timestamp(value) => Self::Timestamp(value),
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
            version_4::DbDataType::Date => Self::Date,
            version_4::DbDataType::Time => Self::Time,
            version_4::DbDataType::Datetime => Self::Datetime,
            version_4::DbDataType::Timestamp => Self::Timestamp,
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
