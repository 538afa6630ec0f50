//! The key-value store.

use serde_json::{Value, json};
use spin_sdk::key_value::{Error, Store};

use crate::call::{Call, Usage};
use crate::reply::{Outcome, Reply};
use crate::variant;

const BENCH_KEY: &str = "bench";
const BENCH_VALUE: &str = "RqJcWxsJDKjgINLWWiBwYEV3ROg7LaXD1Xzz";

pub fn reply(operation: &str, call: &Call) -> Outcome {
    let store = call.parameter("store").unwrap_or("default");
    let result = match operation {
        "open" => Store::open(store).map(|_| Value::Null),
        "get" => get(store, call.required("key")?),
        "set" => set(store, call.required("key")?, &call.body()?),
        "delete" => delete(store, call.required("key")?),
        "exists" => exists(store, call.required("key")?),
        "keys" => keys(store),
        "open-many" => Ok(open_many(store, call.number("count")?)),
        "bench-setup" => set("default", BENCH_KEY, BENCH_VALUE.as_bytes()),
        "bench" => get("default", BENCH_KEY),
        _ => return Err(unknown(operation)),
    };
    Ok(match result {
        Ok(value) => Reply::ok(value),
        Err(error) => Reply::json(&variant::of_key_value(&error)),
    })
}

fn unknown(operation: &str) -> Usage {
    format!("there is no `{operation}` of a key-value store")
}

/// Returns a value as text if it is UTF-8, or as a list of bytes.
fn get(store: &str, key: &str) -> Result<Value, Error> {
    let value = Store::open(store)?.get(key)?;
    Ok(value.map_or(Value::Null, |bytes| {
        String::from_utf8(bytes).map_or_else(|error| error.into_bytes().into(), Value::from)
    }))
}

fn set(store: &str, key: &str, value: &[u8]) -> Result<Value, Error> {
    Store::open(store)?.set(key, value)?;
    Ok(Value::Null)
}

fn delete(store: &str, key: &str) -> Result<Value, Error> {
    Store::open(store)?.delete(key)?;
    Ok(Value::Null)
}

fn exists(store: &str, key: &str) -> Result<Value, Error> {
    Ok(Store::open(store)?.exists(key)?.into())
}

fn keys(store: &str) -> Result<Value, Error> {
    Ok(Store::open(store)?.get_keys()?.into())
}

/// Returns the number of stores that could be opened, and the error of the next one.
fn open_many(store: &str, count: usize) -> Value {
    let mut held = Vec::new();
    for _ in 0..count {
        match Store::open(store) {
            Ok(store) => held.push(store),
            Err(error) => return stopped(held.len(), &variant::of_key_value(&error)),
        }
    }
    json!({ "opened": held.len() })
}

fn stopped(opened: usize, error: &Value) -> Value {
    json!({ "opened": opened, "then": error })
}
