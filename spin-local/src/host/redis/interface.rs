//! `fermyon:spin/redis@2.0.0`.

use redis::{Cmd, ErrorKind, RedisError, Value};
use wasmtime::component::Resource;

use super::access::{CommandError, OpenError};
use super::connection::Connection;
use super::reply;
use crate::host::bindings::fermyon::spin::redis::{
    Error, Host, HostConnection, RedisParameter, RedisResult,
};
use crate::host::state::State;

type HostResult<T> = wasmtime::Result<Result<T, Error>>;

impl From<RedisError> for Error {
    fn from(error: RedisError) -> Self {
        match error.kind() {
            ErrorKind::UnexpectedReturnType => Self::TypeError,
            _ => Self::Other(error.to_string()),
        }
    }
}

impl From<CommandError> for Error {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Redis(error) => error.into(),
            CommandError::TooLarge(error) => Self::Other(error.to_string()),
        }
    }
}

impl From<OpenError> for Error {
    fn from(reason: OpenError) -> Self {
        match reason {
            OpenError::Address => Self::InvalidAddress,
            OpenError::TooMany => Self::TooManyConnections,
            OpenError::Failed(error) => Self::Other(error.to_string()),
        }
    }
}

impl Host for State {}

impl HostConnection for State {
    async fn open(&mut self, address: String) -> HostResult<Resource<Connection>> {
        Ok(self.open_redis(&address).await?.map_err(Into::into))
    }

    async fn publish(
        &mut self,
        connection: Resource<Connection>,
        channel: String,
        payload: Vec<u8>,
    ) -> HostResult<()> {
        let reply = self.run_redis(&connection, Cmd::publish(channel, payload));
        Ok(reply.await?.map_err(Error::from))
    }

    async fn get(
        &mut self,
        connection: Resource<Connection>,
        key: String,
    ) -> HostResult<Option<Vec<u8>>> {
        let reply = self.run_redis(&connection, Cmd::get(key));
        Ok(reply.await?.map_err(Error::from))
    }

    async fn set(
        &mut self,
        connection: Resource<Connection>,
        key: String,
        value: Vec<u8>,
    ) -> HostResult<()> {
        let reply = self.run_redis(&connection, Cmd::set(key, value));
        Ok(reply.await?.map_err(Error::from))
    }

    async fn incr(&mut self, connection: Resource<Connection>, key: String) -> HostResult<i64> {
        let reply = self.run_redis(&connection, Cmd::incr(key, 1));
        Ok(reply.await?.map_err(Error::from))
    }

    async fn del(
        &mut self,
        connection: Resource<Connection>,
        keys: Vec<String>,
    ) -> HostResult<u32> {
        let reply = self.run_redis(&connection, Cmd::del(keys));
        Ok(reply.await?.map_err(Error::from))
    }

    async fn sadd(
        &mut self,
        connection: Resource<Connection>,
        key: String,
        values: Vec<String>,
    ) -> HostResult<u32> {
        let reply = self.run_redis(&connection, Cmd::sadd(key, values));
        Ok(reply.await?.map_err(Error::from))
    }

    async fn smembers(
        &mut self,
        connection: Resource<Connection>,
        key: String,
    ) -> HostResult<Vec<String>> {
        let reply = self.run_redis(&connection, Cmd::smembers(key));
        Ok(reply.await?.map_err(Error::from))
    }

    async fn srem(
        &mut self,
        connection: Resource<Connection>,
        key: String,
        values: Vec<String>,
    ) -> HostResult<u32> {
        let reply = self.run_redis(&connection, Cmd::srem(key, values));
        Ok(reply.await?.map_err(Error::from))
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        command: String,
        arguments: Vec<RedisParameter>,
    ) -> HostResult<Vec<RedisResult>> {
        let mut command = Cmd::new().arg(command).to_owned();
        for argument in arguments {
            match argument {
                RedisParameter::Int64(number) => command.arg(number),
                RedisParameter::Binary(bytes) => command.arg(bytes),
            };
        }
        let reply: Result<Value, _> = self.run_redis(&connection, command).await?;
        Ok(reply.map_err(Error::from).and_then(reply::flatten))
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.close_redis(connection)
    }
}
