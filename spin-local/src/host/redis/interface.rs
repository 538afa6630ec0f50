//! `fermyon:spin/redis@2.0.0`.

use redis::{AsyncCommands, Cmd, ErrorKind, RedisError, Value};
use wasmtime::component::Resource;

use super::{Connection, NotOpened, results};
use crate::host::State;
use crate::host::bindings::fermyon::spin::redis::{
    Error, Host, HostConnection, RedisParameter, RedisResult,
};

type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl From<RedisError> for Error {
    fn from(error: RedisError) -> Self {
        match error.kind() {
            ErrorKind::UnexpectedReturnType => Self::TypeError,
            _ => Self::Other(error.to_string()),
        }
    }
}

impl From<NotOpened> for Error {
    fn from(reason: NotOpened) -> Self {
        match reason {
            NotOpened::Address => Self::InvalidAddress,
            NotOpened::TooMany => Self::TooManyConnections,
            NotOpened::Failed(error) => Self::Other(error.to_string()),
        }
    }
}

impl Host for State {}

impl HostConnection for State {
    async fn open(&mut self, address: String) -> Answer<Resource<Connection>> {
        Ok(self.open_redis(&address).await?.map_err(Into::into))
    }

    async fn publish(
        &mut self,
        connection: Resource<Connection>,
        channel: String,
        payload: Vec<u8>,
    ) -> Answer<()> {
        let published = self.redis(&connection)?.publish(channel, payload).await;
        Ok(published.map_err(Into::into))
    }

    async fn get(
        &mut self,
        connection: Resource<Connection>,
        key: String,
    ) -> Answer<Option<Vec<u8>>> {
        Ok(self.redis(&connection)?.get(key).await.map_err(Into::into))
    }

    async fn set(
        &mut self,
        connection: Resource<Connection>,
        key: String,
        value: Vec<u8>,
    ) -> Answer<()> {
        let set = self.redis(&connection)?.set(key, value).await;
        Ok(set.map_err(Into::into))
    }

    async fn incr(&mut self, connection: Resource<Connection>, key: String) -> Answer<i64> {
        let sum = self.redis(&connection)?.incr(key, 1).await;
        Ok(sum.map_err(Into::into))
    }

    async fn del(&mut self, connection: Resource<Connection>, keys: Vec<String>) -> Answer<u32> {
        Ok(self.redis(&connection)?.del(keys).await.map_err(Into::into))
    }

    async fn sadd(
        &mut self,
        connection: Resource<Connection>,
        key: String,
        values: Vec<String>,
    ) -> Answer<u32> {
        let added = self.redis(&connection)?.sadd(key, values).await;
        Ok(added.map_err(Into::into))
    }

    async fn smembers(
        &mut self,
        connection: Resource<Connection>,
        key: String,
    ) -> Answer<Vec<String>> {
        let members = self.redis(&connection)?.smembers(key).await;
        Ok(members.map_err(Into::into))
    }

    async fn srem(
        &mut self,
        connection: Resource<Connection>,
        key: String,
        values: Vec<String>,
    ) -> Answer<u32> {
        let removed = self.redis(&connection)?.srem(key, values).await;
        Ok(removed.map_err(Into::into))
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        command: String,
        arguments: Vec<RedisParameter>,
    ) -> Answer<Vec<RedisResult>> {
        let mut command = Cmd::new().arg(command).to_owned();
        for argument in arguments {
            match argument {
                RedisParameter::Int64(number) => command.arg(number),
                RedisParameter::Binary(bytes) => command.arg(bytes),
            };
        }
        let mut connection = self.redis(&connection)?;
        let answer: Result<Value, _> = command.query_async(&mut connection).await;
        Ok(answer.map_err(Into::into).and_then(results::parts))
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.close_redis(connection)
    }
}
