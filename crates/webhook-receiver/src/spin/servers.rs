//! Spin's outbound PostgreSQL and Redis. The interface of PostgreSQL is the oldest one, which every Spin
//! has.

use spin_sdk::pg::{self, DbValue, ParameterValue, PgError};
use spin_sdk::redis::{self, RedisParameter, RedisResult};

use super::platform::{Spin, failed, opened};
use crate::{PlatformError, Postgres, Redis, RedisReply};

/// The limits for connecting, in seconds, and for a statement, in milliseconds. The interface blocks,
/// so that the app cannot give up earlier by itself.
const CONNECT_TIMEOUT: (&str, &str) = ("connect_timeout", "5");
const STATEMENT_TIMEOUT: (&str, &str) = ("statement_timeout", "5000");

impl Spin {
    fn connect_postgres(&self, address: &str) -> Result<&pg::Connection, PlatformError> {
        opened(&self.postgres, "connecting to PostgreSQL", || {
            let open = pg::Connection::open(&with_connect_timeout(address)).map_err(pg_reason)?;
            let (name, value) = STATEMENT_TIMEOUT;
            if !address.contains(name) {
                let statement = format!("SET {name} = {value}");
                open.execute(&statement, &[]).map_err(pg_reason)?;
            }
            Ok::<_, String>(open)
        })
    }
}

/// Adds the limit unless the operator has set one.
fn with_connect_timeout(address: &str) -> String {
    let (name, value) = CONNECT_TIMEOUT;
    if address.contains(name) {
        return address.to_owned();
    }
    let separator = if address.contains('?') { '&' } else { '?' };
    format!("{address}{separator}{name}={value}")
}

impl Postgres for Spin {
    fn query(
        &self,
        address: &str,
        statement: &str,
        parameters: &[&str],
    ) -> Result<Vec<Vec<String>>, PlatformError> {
        let doing = "using PostgreSQL";
        let parameters: Vec<ParameterValue> = parameters
            .iter()
            .map(|value| ParameterValue::Str((*value).to_owned()))
            .collect();
        let result = self
            .connect_postgres(address)?
            .query(statement, &parameters);
        let result = result.map_err(|error| failed(doing, &pg_reason(error)))?;
        let text = |value| match value {
            DbValue::Str(text) => Ok(text),
            _ => Err(failed(doing, &"a column is not text")),
        };
        let rows = result.rows.into_iter();
        rows.map(|row| row.into_iter().map(text).collect())
            .collect()
    }
}

fn pg_reason(error: PgError) -> String {
    match error {
        PgError::ConnectionFailed(reason)
        | PgError::BadParameter(reason)
        | PgError::QueryFailed(reason)
        | PgError::ValueConversionFailed(reason)
        | PgError::Other(reason) => reason,
    }
}

impl Redis for Spin {
    fn command(
        &self,
        address: &str,
        command: &str,
        arguments: &[&[u8]],
    ) -> Result<Vec<RedisReply>, PlatformError> {
        let connection = opened(&self.redis, "connecting to Redis", || {
            redis::Connection::open(address).map_err(redis_reason)
        })?;
        let arguments: Vec<RedisParameter> = arguments
            .iter()
            .map(|bytes| RedisParameter::Binary(bytes.to_vec()))
            .collect();
        let reply = connection.execute(command, &arguments);
        let parts = reply.map_err(|error| failed("using Redis", &redis_reason(error)))?;
        Ok(parts.into_iter().map(part).collect())
    }
}

fn part(result: RedisResult) -> RedisReply {
    match result {
        RedisResult::Nil => RedisReply::Nil,
        RedisResult::Int64(number) => RedisReply::Number(number),
        RedisResult::Binary(bytes) => RedisReply::Bytes(bytes),
        RedisResult::Status(status) => RedisReply::Status(status),
    }
}

fn redis_reason(error: redis::Error) -> String {
    match error {
        redis::Error::InvalidAddress => "the address is invalid or not allowed".to_owned(),
        redis::Error::TooManyConnections => "the runtime has too many connections".to_owned(),
        redis::Error::TypeError => "the reply has an unexpected type".to_owned(),
        redis::Error::Other(reason) => reason,
    }
}
