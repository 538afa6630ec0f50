//! Spin's outbound Redis, as [`Redis`] and [`Stream`].

use spin_sdk::redis::{Connection, Error, RedisParameter, RedisResult};

use super::Spin;
use crate::platform::{Redis, RedisReply, Stream};

impl Redis for Spin {
    fn command(
        &self,
        address: &str,
        command: &str,
        arguments: &[&[u8]],
    ) -> Result<Vec<RedisReply>, String> {
        let arguments: Vec<_> = arguments.iter().map(|bytes| binary(bytes)).collect();
        let connection = Connection::open(address).map_err(|error| kind(&error))?;
        let reply = connection.execute(command, &arguments);
        let parts = reply.map_err(|error| kind(&error))?.into_iter();
        Ok(parts.map(part).collect())
    }
}

impl Stream for Spin {
    fn append(&self, address: &str, name: &str, fields: &[(&str, &[u8])]) -> Result<(), String> {
        let mut arguments = vec![name.as_bytes(), b"*"];
        for (name, value) in fields {
            arguments.extend([name.as_bytes(), value]);
        }
        self.command(address, "XADD", &arguments).map(drop)
    }

    fn ping(&self, address: &str) -> Result<(), String> {
        self.command(address, "PING", &[]).map(drop)
    }
}

fn binary(bytes: &[u8]) -> RedisParameter {
    RedisParameter::Binary(bytes.to_vec())
}

fn part(result: RedisResult) -> RedisReply {
    match result {
        RedisResult::Nil => RedisReply::Nil,
        RedisResult::Int64(number) => RedisReply::Number(number),
        RedisResult::Binary(bytes) => RedisReply::Bytes(bytes),
        RedisResult::Status(status) => RedisReply::Status(status),
    }
}

fn kind(error: &Error) -> String {
    match error {
        Error::InvalidAddress => "the address is invalid or not allowed".to_owned(),
        Error::TooManyConnections => "the runtime's limit of connections is reached".to_owned(),
        Error::TypeError => "the reply has an unexpected type".to_owned(),
        Error::Other(reason) => reason.clone(),
    }
}
