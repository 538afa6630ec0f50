//! Columns and values of results.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use postgres_range::Range;
use rust_decimal::Decimal;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

use super::range;
use super::types::{Bound, Interval, Raw};
use crate::host::bindings::spin::postgres4_1_0::postgres::{Column, DbDataType, DbValue};

/// Returns the columns of a row.
pub(super) fn columns(row: &Row) -> Vec<Column> {
    let column = |column: &tokio_postgres::Column| Column {
        name: column.name().to_owned(),
        data_type: data_type(column.type_()),
    };
    row.columns().iter().map(column).collect()
}

fn data_type(kind: &Type) -> DbDataType {
    match *kind {
        Type::BOOL => DbDataType::Boolean,
        Type::BYTEA => DbDataType::Binary,
        Type::FLOAT4 => DbDataType::Floating32,
        Type::FLOAT8 => DbDataType::Floating64,
        Type::INT2 => DbDataType::Int16,
        Type::INT4 => DbDataType::Int32,
        Type::INT8 => DbDataType::Int64,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => DbDataType::Str,
        Type::TIMESTAMP | Type::TIMESTAMPTZ => DbDataType::Datetime,
        Type::DATE => DbDataType::Date,
        Type::TIME => DbDataType::Time,
        Type::UUID => DbDataType::Uuid,
        Type::JSONB => DbDataType::Jsonb,
        Type::NUMERIC => DbDataType::Decimal,
        Type::INT4_RANGE => DbDataType::RangeInt32,
        Type::INT8_RANGE => DbDataType::RangeInt64,
        Type::NUM_RANGE => DbDataType::RangeDecimal,
        Type::INT4_ARRAY => DbDataType::ArrayInt32,
        Type::INT8_ARRAY => DbDataType::ArrayInt64,
        Type::NUMERIC_ARRAY => DbDataType::ArrayDecimal,
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::BPCHAR_ARRAY => DbDataType::ArrayStr,
        Type::INTERVAL => DbDataType::Interval,
        _ => DbDataType::Other(kind.name().to_owned()),
    }
}

/// Converts the values of a row.
///
/// # Errors
///
/// A value that the interface has no form for, such as a number with more digits than a decimal.
pub(super) fn values(row: &Row) -> anyhow::Result<Vec<DbValue>> {
    (0..row.len()).map(|index| value(row, index)).collect()
}

fn value(row: &Row, index: usize) -> anyhow::Result<DbValue> {
    match *row.columns()[index].type_() {
        Type::BOOL => get(row, index, DbValue::Boolean),
        Type::BYTEA => get(row, index, DbValue::Binary),
        Type::FLOAT4 => get(row, index, DbValue::Floating32),
        Type::FLOAT8 => get(row, index, DbValue::Floating64),
        Type::INT2 => get(row, index, DbValue::Int16),
        Type::INT4 => get(row, index, DbValue::Int32),
        Type::INT8 => get(row, index, DbValue::Int64),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => get(row, index, DbValue::Str),
        Type::DATE => get(row, index, date),
        Type::TIME => get(row, index, time),
        Type::TIMESTAMP => get(row, index, datetime),
        Type::TIMESTAMPTZ => get(row, index, |time: chrono::DateTime<chrono::Utc>| {
            datetime(time.naive_utc())
        }),
        Type::UUID => get(row, index, |id: uuid::Uuid| DbValue::Uuid(id.to_string())),
        Type::JSONB => get(row, index, |json: serde_json::Value| {
            DbValue::Jsonb(json.to_string().into_bytes())
        }),
        Type::NUMERIC => get(row, index, |number: Decimal| {
            DbValue::Decimal(number.to_string())
        }),
        Type::INT4_RANGE => get(row, index, |found: Range<i32>| {
            DbValue::RangeInt32(range::from_server(&found, |bound| *bound))
        }),
        Type::INT8_RANGE => get(row, index, |found: Range<i64>| {
            DbValue::RangeInt64(range::from_server(&found, |bound| *bound))
        }),
        Type::NUM_RANGE => get(row, index, |found: Range<Bound>| {
            DbValue::RangeDecimal(range::from_server(&found, |bound| bound.0.to_string()))
        }),
        Type::INT4_ARRAY => get(row, index, DbValue::ArrayInt32),
        Type::INT8_ARRAY => get(row, index, DbValue::ArrayInt64),
        Type::NUMERIC_ARRAY => get(row, index, decimals),
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::BPCHAR_ARRAY => {
            get(row, index, DbValue::ArrayStr)
        }
        Type::INTERVAL => get(row, index, |interval: Interval| {
            DbValue::Interval(interval.0)
        }),
        _ => get(row, index, |raw: Raw| DbValue::Unsupported(raw.0)),
    }
}

/// Reads a value that may be NULL.
fn get<'a, T: FromSql<'a>>(
    row: &'a Row,
    index: usize,
    convert: impl FnOnce(T) -> DbValue,
) -> anyhow::Result<DbValue> {
    let value: Option<T> = row.try_get(index)?;
    Ok(value.map_or(DbValue::DbNull, convert))
}

fn date(date: NaiveDate) -> DbValue {
    DbValue::Date((date.year(), byte(date.month()), byte(date.day())))
}

fn time(time: NaiveTime) -> DbValue {
    DbValue::Time((
        byte(time.hour()),
        byte(time.minute()),
        byte(time.second()),
        time.nanosecond(),
    ))
}

fn datetime(time: NaiveDateTime) -> DbValue {
    DbValue::Datetime((
        time.year(),
        byte(time.month()),
        byte(time.day()),
        byte(time.hour()),
        byte(time.minute()),
        byte(time.second()),
        time.nanosecond(),
    ))
}

/// Converts a part of a date or time, none of which is above 60.
fn byte(part: u32) -> u8 {
    u8::try_from(part).unwrap_or(u8::MAX)
}

fn decimals(numbers: Vec<Option<Decimal>>) -> DbValue {
    let text = |number: Option<Decimal>| number.map(|number| number.to_string());
    DbValue::ArrayDecimal(numbers.into_iter().map(text).collect())
}

/// Returns the size of a value in the memory of the host.
pub(super) fn size(value: &DbValue) -> usize {
    let texts = |texts: &[Option<String>]| {
        let bytes = texts.iter().flatten().map(String::len);
        size_of_val(texts) + bytes.sum::<usize>()
    };
    let content = match value {
        DbValue::Str(text) | DbValue::Uuid(text) | DbValue::Decimal(text) => text.len(),
        DbValue::Binary(bytes) | DbValue::Jsonb(bytes) | DbValue::Unsupported(bytes) => bytes.len(),
        DbValue::ArrayInt32(numbers) => size_of_val(&**numbers),
        DbValue::ArrayInt64(numbers) => size_of_val(&**numbers),
        DbValue::ArrayDecimal(numbers) => texts(numbers),
        DbValue::ArrayStr(all) => texts(all),
        DbValue::RangeDecimal((lower, upper)) => {
            let bounds = [lower, upper].into_iter().flatten();
            bounds.map(|(text, _)| text.len()).sum()
        }
        _ => 0,
    };
    size_of::<DbValue>() + content
}
