//! A PostgreSQL server, through each version of the interface.

use std::fmt::Debug;

use serde_json::{Value, json};

use crate::call::{Call, Usage};
use crate::reply::{Outcome, Reply};
use crate::variant;

/// The body: `{"statement": "…", "parameters": [{"int32": 1}, …]}`, with the names of the interface.
struct Statement {
    text: String,
    parameters: Vec<(String, Value)>,
}

impl Statement {
    fn read(call: &Call) -> Result<Self, Usage> {
        let body = call.body_text()?;
        let body: Value = serde_json::from_str(&body).map_err(|error| error.to_string())?;
        let text = body["statement"].as_str().ok_or("no statement")?.to_owned();
        let parameters = body["parameters"].as_array().into_iter().flatten();
        let named = parameters.filter_map(Value::as_object).flatten();
        Ok(Self {
            text,
            parameters: named
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        })
    }
}

/// Implements one version: values are shown as Rust's `Debug` writes them.
macro_rules! version {
    ($module:ident, $convert:ident) => {
        mod $module {
            use spin_sdk::$module::Connection;

            use super::*;

            pub fn reply(operation: &str, address: &str, call: &Call) -> Outcome {
                let connection = match Connection::open(address) {
                    Ok(connection) => connection,
                    Err(error) => return Ok(failed(&error)),
                };
                if operation == "open" {
                    return Ok(Reply::ok(Value::Null));
                }
                let statement = Statement::read(call)?;
                let parameters = statement.parameters.into_iter();
                let parameters: Result<Vec<_>, Usage> = parameters
                    .map(|(name, value)| $convert(&name, value))
                    .collect();
                let parameters = parameters?;
                if operation == "execute" {
                    let changed = connection.execute(&statement.text, &parameters);
                    return Ok(changed.map_or_else(|error| failed(&error), Reply::ok));
                }
                let result = match connection.query(&statement.text, &parameters) {
                    Ok(result) => result,
                    Err(error) => return Ok(failed(&error)),
                };
                let columns = result.columns.iter();
                let columns = columns.map(|one| json!([one.name, format!("{:?}", one.data_type)]));
                let values = |row: &Vec<_>| row.iter().map(|value| format!("{value:?}")).collect();
                let rows: Vec<Vec<String>> = result.rows.iter().map(values).collect();
                let columns: Vec<Value> = columns.collect();
                Ok(Reply::ok(json!({ "columns": columns, "rows": rows })))
            }
        }
    };
}

/// Shows an error of any version.
pub fn failed(error: &impl Debug) -> Reply {
    let shown = format!("{error:?}");
    Reply::json(&variant::error(&variant::name_of(&shown), Some(&shown)))
}

version!(pg, version_2);
version!(pg3, version_3);
version!(pg4, version_4);

pub fn reply(operation: &str, call: &Call) -> Outcome {
    let address = call.required("address")?;
    match call.parameter("version") {
        Some("2") => pg::reply(operation, address, call),
        Some("3") => pg3::reply(operation, address, call),
        _ => pg4::reply(operation, address, call),
    }
}

/// Reads a JSON value as a Rust type.
fn read<T: Json>(value: Value) -> Result<T, Usage> {
    T::of(&value).ok_or_else(|| format!("`{value}` has the wrong type"))
}

/// A type that is read from JSON.
trait Json: Sized {
    fn of(value: &Value) -> Option<Self>;
}

macro_rules! number {
    ($($kind:ty),*) => {
        $(impl Json for $kind {
            fn of(value: &Value) -> Option<Self> {
                value.as_i64().and_then(|number| number.try_into().ok())
            }
        })*
    };
}

number!(i8, i16, i32, i64, u8, u16, u32, u64);

impl Json for bool {
    fn of(value: &Value) -> Option<Self> {
        value.as_bool()
    }
}

impl Json for f64 {
    fn of(value: &Value) -> Option<Self> {
        value.as_f64()
    }
}

impl Json for f32 {
    fn of(value: &Value) -> Option<Self> {
        value.as_f64().map(|number| number as f32)
    }
}

impl Json for String {
    fn of(value: &Value) -> Option<Self> {
        value.as_str().map(str::to_owned)
    }
}

impl<T: Json> Json for Option<T> {
    fn of(value: &Value) -> Option<Self> {
        if value.is_null() {
            return Some(None);
        }
        T::of(value).map(Some)
    }
}

impl<T: Json> Json for Vec<T> {
    fn of(value: &Value) -> Option<Self> {
        value.as_array()?.iter().map(T::of).collect()
    }
}

macro_rules! tuple {
    ($(($($part:ident $index:tt),*)),*) => {
        $(impl<$($part: Json),*> Json for ($($part,)*) {
            fn of(value: &Value) -> Option<Self> {
                Some(($($part::of(value.get($index)?)?,)*))
            }
        })*
    };
}

tuple!(
    (A 0, B 1),
    (A 0, B 1, C 2),
    (A 0, B 1, C 2, D 3),
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6)
);

impl Json for spin_sdk::pg4::RangeBoundKind {
    fn of(value: &Value) -> Option<Self> {
        match value.as_str()? {
            "inclusive" => Some(Self::Inclusive),
            "exclusive" => Some(Self::Exclusive),
            _ => None,
        }
    }
}

fn unknown<T>(name: &str) -> Result<T, Usage> {
    Err(format!("the interface has no `{name}`"))
}

fn version_2(name: &str, value: Value) -> Result<spin_sdk::pg::ParameterValue, Usage> {
    use spin_sdk::pg::ParameterValue as P;
    Ok(match name {
        "boolean" => P::Boolean(read(value)?),
        "int8" => P::Int8(read(value)?),
        "int16" => P::Int16(read(value)?),
        "int32" => P::Int32(read(value)?),
        "int64" => P::Int64(read(value)?),
        "uint8" => P::Uint8(read(value)?),
        "uint16" => P::Uint16(read(value)?),
        "uint32" => P::Uint32(read(value)?),
        "uint64" => P::Uint64(read(value)?),
        "floating32" => P::Floating32(read(value)?),
        "floating64" => P::Floating64(read(value)?),
        "str" => P::Str(read(value)?),
        "binary" => P::Binary(read(value)?),
        "db-null" => P::DbNull,
        _ => return unknown(name),
    })
}

fn version_3(name: &str, value: Value) -> Result<spin_sdk::pg3::ParameterValue, Usage> {
    use spin_sdk::pg3::ParameterValue as P;
    Ok(match name {
        "boolean" => P::Boolean(read(value)?),
        "int8" => P::Int8(read(value)?),
        "int16" => P::Int16(read(value)?),
        "int32" => P::Int32(read(value)?),
        "int64" => P::Int64(read(value)?),
        "floating32" => P::Floating32(read(value)?),
        "floating64" => P::Floating64(read(value)?),
        "str" => P::Str(read(value)?),
        "binary" => P::Binary(read(value)?),
        "date" => P::Date(read(value)?),
        "time" => P::Time(read(value)?),
        "datetime" => P::Datetime(read(value)?),
        "timestamp" => P::Timestamp(read(value)?),
        "db-null" => P::DbNull,
        _ => return unknown(name),
    })
}

fn version_4(name: &str, value: Value) -> Result<spin_sdk::pg4::ParameterValue, Usage> {
    use spin_sdk::pg4::{Interval, ParameterValue as P};
    Ok(match name {
        "boolean" => P::Boolean(read(value)?),
        "int8" => P::Int8(read(value)?),
        "int16" => P::Int16(read(value)?),
        "int32" => P::Int32(read(value)?),
        "int64" => P::Int64(read(value)?),
        "floating32" => P::Floating32(read(value)?),
        "floating64" => P::Floating64(read(value)?),
        "str" => P::Str(read(value)?),
        "binary" => P::Binary(read(value)?),
        "date" => P::Date(read(value)?),
        "time" => P::Time(read(value)?),
        "datetime" => P::Datetime(read(value)?),
        "timestamp" => P::Timestamp(read(value)?),
        "uuid" => P::Uuid(read(value)?),
        "jsonb" => P::Jsonb(value.to_string().into_bytes()),
        "json-text" => P::Jsonb(read::<String>(value)?.into_bytes()),
        "decimal" => P::Decimal(read(value)?),
        "range-int32" => P::RangeInt32(read(value)?),
        "range-int64" => P::RangeInt64(read(value)?),
        "range-decimal" => P::RangeDecimal(read(value)?),
        "array-int32" => P::ArrayInt32(read(value)?),
        "array-int64" => P::ArrayInt64(read(value)?),
        "array-decimal" => P::ArrayDecimal(read(value)?),
        "array-str" => P::ArrayStr(read(value)?),
        "interval" => {
            let (micros, days, months) = read(value)?;
            P::Interval(Interval {
                micros,
                days,
                months,
            })
        }
        "db-null" => P::DbNull,
        _ => return unknown(name),
    })
}
