//! A Redis server.

use serde_json::{Value, json};
use spin_sdk::redis::{Connection, Error, RedisParameter, RedisResult};

use crate::call::{Call, Usage};
use crate::reply::{Outcome, Reply};
use crate::variant;

pub fn reply(operation: &str, call: &Call) -> Outcome {
    let connection = match Connection::open(call.required("address")?) {
        Ok(connection) => connection,
        Err(error) => return Ok(failed(&error)),
    };
    let key = call.parameter("key").unwrap_or_default();
    let result = match operation {
        "open" => Ok(Value::Null),
        "get" => connection.get(key).map(|value| json!(value)),
        "set" => connection.set(key, &call.body()?).map(Value::from),
        "incr" => connection.incr(key).map(Value::from),
        "del" => connection.del(&[key.to_owned()]).map(Value::from),
        "publish" => connection.publish(key, &call.body()?).map(Value::from),
        "sadd" => connection.sadd(key, &words(call)?).map(Value::from),
        "srem" => connection.srem(key, &words(call)?).map(Value::from),
        "smembers" => connection.smembers(key).map(Value::from),
        "execute" => execute(&connection, &words(call)?),
        _ => return Err(format!("there is no `{operation}` of a Redis server")),
    };
    Ok(result.map_or_else(|error| failed(&error), Reply::ok))
}

/// Returns the words of the body.
fn words(call: &Call) -> Result<Vec<String>, Usage> {
    let text = call.body_text()?;
    Ok(text.split_whitespace().map(str::to_owned).collect())
}

/// Converts a word to a parameter, and one of digits to a number.
fn execute(connection: &Connection, words: &[String]) -> Result<Value, Error> {
    let (command, arguments) = words
        .split_first()
        .map_or(("", words), |(c, a)| (c.as_str(), a));
    let arguments: Vec<_> = arguments
        .iter()
        .map(|word| match word.parse() {
            Ok(number) => RedisParameter::Int64(number),
            Err(_) => RedisParameter::Binary(word.clone().into_bytes()),
        })
        .collect();
    let parts = connection.execute(command, &arguments)?;
    Ok(parts.into_iter().map(shown).collect())
}

fn shown(part: RedisResult) -> Value {
    match part {
        RedisResult::Nil => Value::Null,
        RedisResult::Status(text) => json!({ "status": text }),
        RedisResult::Int64(number) => number.into(),
        RedisResult::Binary(bytes) => String::from_utf8_lossy(&bytes).into_owned().into(),
    }
}

fn failed(error: &Error) -> Reply {
    let (name, message) = match error {
        Error::InvalidAddress => ("invalid-address", None),
        Error::TooManyConnections => ("too-many-connections", None),
        Error::TypeError => ("type-error", None),
        Error::Other(message) => ("other", Some(message.as_str())),
    };
    Reply::json(&variant::error(name, message))
}
