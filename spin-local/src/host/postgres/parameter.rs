//! Parameters of statements.

use anyhow::{Context, anyhow};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use rust_decimal::Decimal;
use tokio_postgres::types::ToSql;

use super::range;
use super::types::{Bound, Interval, Null};
use crate::host::bindings::spin::postgres4_1_0::postgres::{ParameterValue, RangeBoundKind};

/// A parameter in the form of the driver.
pub(super) type Parameter = Box<dyn ToSql + Send + Sync>;

/// Converts the parameters.
///
/// # Errors
///
/// A date or time that does not exist, or a text that is not a UUID, a number or JSON.
pub(super) fn to_server(values: Vec<ParameterValue>) -> anyhow::Result<Vec<Parameter>> {
    values.into_iter().map(convert).collect()
}

fn convert(value: ParameterValue) -> anyhow::Result<Parameter> {
    Ok(match value {
        ParameterValue::Boolean(value) => Box::new(value),
        ParameterValue::Int8(value) => Box::new(value),
        ParameterValue::Int16(value) => Box::new(value),
        ParameterValue::Int32(value) => Box::new(value),
        ParameterValue::Int64(value) => Box::new(value),
        ParameterValue::Floating32(value) => Box::new(value),
        ParameterValue::Floating64(value) => Box::new(value),
        ParameterValue::Str(value) => Box::new(value),
        ParameterValue::Binary(value) => Box::new(value),
        ParameterValue::Date(value) => Box::new(date(value)?),
        ParameterValue::Time(value) => Box::new(time(value)?),
        ParameterValue::Datetime(value) => Box::new(datetime(value)?),
        ParameterValue::Timestamp(value) => Box::new(timestamp(value)?),
        ParameterValue::Uuid(value) => Box::new(uuid(&value)?),
        ParameterValue::Jsonb(value) => Box::new(json(&value)?),
        ParameterValue::Decimal(value) => Box::new(decimal(&value)?),
        ParameterValue::RangeInt32(value) => Box::new(range::to_server(value)),
        ParameterValue::RangeInt64(value) => Box::new(range::to_server(value)),
        ParameterValue::RangeDecimal((lower, upper)) => {
            Box::new(range::to_server((bound(lower)?, bound(upper)?)))
        }
        ParameterValue::ArrayInt32(values) => Box::new(values),
        ParameterValue::ArrayInt64(values) => Box::new(values),
        ParameterValue::ArrayDecimal(values) => Box::new(decimals(&values)?),
        ParameterValue::ArrayStr(values) => Box::new(values),
        ParameterValue::Interval(value) => Box::new(Interval(value)),
        ParameterValue::DbNull => Box::new(Null),
    })
}

fn date((year, month, day): (i32, u8, u8)) -> anyhow::Result<NaiveDate> {
    NaiveDate::from_ymd_opt(year, month.into(), day.into())
        .ok_or_else(|| anyhow!("invalid date y={year}, m={month}, d={day}"))
}

fn time((hour, minute, second, nano): (u8, u8, u8, u32)) -> anyhow::Result<NaiveTime> {
    NaiveTime::from_hms_nano_opt(hour.into(), minute.into(), second.into(), nano)
        .ok_or_else(|| anyhow!("invalid time {hour}:{minute}:{second}:{nano}"))
}

fn datetime(
    (year, month, day, hour, minute, second, nano): (i32, u8, u8, u8, u8, u8, u32),
) -> anyhow::Result<NaiveDateTime> {
    let date = date((year, month, day))?;
    Ok(date.and_time(time((hour, minute, second, nano))?))
}

fn timestamp(seconds: i64) -> anyhow::Result<DateTime<Utc>> {
    DateTime::from_timestamp(seconds, 0).ok_or_else(|| anyhow!("invalid epoch timestamp {seconds}"))
}

fn uuid(text: &str) -> anyhow::Result<uuid::Uuid> {
    uuid::Uuid::parse_str(text).with_context(|| format!("invalid UUID {text}"))
}

fn json(text: &[u8]) -> anyhow::Result<serde_json::Value> {
    serde_json::from_slice(text)
        .with_context(|| format!("invalid JSON {}", String::from_utf8_lossy(text)))
}

fn decimal(text: &str) -> anyhow::Result<Decimal> {
    Decimal::from_str_exact(text).with_context(|| format!("invalid decimal {text}"))
}

fn decimals(texts: &[Option<String>]) -> anyhow::Result<Vec<Option<Decimal>>> {
    let one = |text: &Option<String>| text.as_deref().map(decimal).transpose();
    texts.iter().map(one).collect()
}

fn bound(
    bound: Option<(String, RangeBoundKind)>,
) -> anyhow::Result<Option<(Bound, RangeBoundKind)>> {
    let convert = |(text, kind): (String, RangeBoundKind)| Ok((Bound(decimal(&text)?), kind));
    bound.map(convert).transpose()
}
