//! `fermyon:spin/redis@2.0.0`.

use redis::{Cmd, ErrorKind, RedisError, Value};
use wasmtime::component::Resource;

use super::{Connection, Fault, NotOpened, results};
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

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Redis(error) => error.into(),
            Fault::TooLarge(error) => Self::Other(error.to_string()),
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
        let reply = self.run_redis(&connection, Cmd::publish(channel, payload));
        Ok(reply.await?.map_err(Error::from))
    }

    async fn get(
        &mut self,
        connection: Resource<Connection>,
        key: String,
    ) -> Answer<Option<Vec<u8>>> {
        let reply = self.run_redis(&connection, Cmd::get(key));
        Ok(reply.await?.map_err(Error::from))
    }

    async fn set(
        &mut self,
        connection: Resource<Connection>,
        key: String,
        value: Vec<u8>,
    ) -> Answer<()> {
        let reply = self.run_redis(&connection, Cmd::set(key, value));
        Ok(reply.await?.map_err(Error::from))
    }

    async fn incr(&mut self, connection: Resource<Connection>, key: String) -> Answer<i64> {
        let reply = self.run_redis(&connection, Cmd::incr(key, 1));
        Ok(reply.await?.map_err(Error::from))
    }

    async fn del(&mut self, connection: Resource<Connection>, keys: Vec<String>) -> Answer<u32> {
        let reply = self.run_redis(&connection, Cmd::del(keys));
        Ok(reply.await?.map_err(Error::from))
    }

    async fn sadd(
        &mut self,
        connection: Resource<Connection>,
        key: String,
        values: Vec<String>,
    ) -> Answer<u32> {
        let reply = self.run_redis(&connection, Cmd::sadd(key, values));
        Ok(reply.await?.map_err(Error::from))
    }

    async fn smembers(
        &mut self,
        connection: Resource<Connection>,
        key: String,
    ) -> Answer<Vec<String>> {
        let reply = self.run_redis(&connection, Cmd::smembers(key));
        Ok(reply.await?.map_err(Error::from))
    }

    async fn srem(
        &mut self,
        connection: Resource<Connection>,
        key: String,
        values: Vec<String>,
    ) -> Answer<u32> {
        let reply = self.run_redis(&connection, Cmd::srem(key, values));
        Ok(reply.await?.map_err(Error::from))
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
        let reply: Result<Value, _> = self.run_redis(&connection, command).await?;
        Ok(reply.map_err(Error::from).and_then(results::parts))
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.close_redis(connection)
    }
}
