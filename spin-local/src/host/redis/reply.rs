//! Replies of arbitrary commands, in the form that guests receive.

use redis::Value;

use crate::host::bindings::fermyon::spin::redis::{Error, RedisResult};

/// Returns the parts of a reply. Nested parts are flattened, as on Spin.
pub(super) fn flatten(reply: Value) -> Result<Vec<RedisResult>, Error> {
    let mut parts = Vec::new();
    append(&mut parts, reply)?;
    Ok(parts)
}

fn append(parts: &mut Vec<RedisResult>, value: Value) -> Result<(), Error> {
    let part = match value {
        Value::Nil => RedisResult::Nil,
        Value::Int(number) => RedisResult::Int64(number),
        Value::Boolean(value) => RedisResult::Int64(value.into()),
        Value::BulkString(bytes) | Value::BigNumber(bytes) => RedisResult::Binary(bytes),
        Value::Double(number) => RedisResult::Binary(number.to_string().into_bytes()),
        Value::SimpleString(text) => RedisResult::Status(text),
        Value::Okay => RedisResult::Status("OK".to_owned()),
        Value::Array(values) | Value::Set(values) => {
            return values
                .into_iter()
                .try_for_each(|value| append(parts, value));
        }
        Value::ServerError(error) => return Err(Error::Other(error.to_string())),
        other => {
            let kind = match other {
                Value::Map(_) => "a map",
                Value::Attribute { .. } => "an attribute",
                Value::VerbatimString { .. } => "a string with its format",
                Value::Push { .. } => "a message of a subscription",
                _ => "of an unknown kind",
            };
            let message = format!("the reply is {kind}, which the interface has no type for");
            return Err(Error::Other(message));
        }
    };
    parts.push(part);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_replies_are_flattened() {
        let nested = Value::Array(vec![
            Value::Int(1),
            Value::Array(vec![Value::Okay, Value::Set(vec![Value::Nil])]),
            Value::BulkString(vec![0, 255]),
        ]);
        let shown = format!("{:?}", flatten(nested).unwrap());
        let expected = format!(
            "{:?}",
            [
                RedisResult::Int64(1),
                RedisResult::Status("OK".to_owned()),
                RedisResult::Nil,
                RedisResult::Binary(vec![0, 255]),
            ]
        );
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_reply_without_a_type_is_an_error_at_every_depth() {
        for value in [
            Value::Map(Vec::new()),
            Value::Array(vec![Value::Okay, Value::Map(Vec::new())]),
        ] {
            let error = flatten(value).unwrap_err();
            assert!(format!("{error:?}").contains("a map"), "{error:?}");
        }
    }
}
