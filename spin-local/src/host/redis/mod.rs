//! The Redis capability: connections to servers that `allowed_outbound_hosts` allows.

mod address;
mod connect;
mod interface;
mod meter;
mod results;

use std::sync::Arc;

use ::redis::aio::MultiplexedConnection;
use ::redis::{Client, Cmd, FromRedisValue, RedisError};
use wasmtime::component::Resource;

use super::State;
use super::limit::TooLarge;
use connect::Driver;
use meter::Meter;

/// Connections one instance may hold open; Spin's number.
const MAX_OPEN_CONNECTIONS: usize = 1024;

/// A guest's connection.
#[derive(Clone)]
pub struct Connection {
    client: MultiplexedConnection,
    meter: Meter,
    _driver: Arc<Driver>,
}

/// Why a connection was not opened.
enum NotOpened {
    Address,
    TooMany,
    Failed(RedisError),
}

/// Why a command has no reply.
enum Fault {
    Redis(RedisError),
    TooLarge(TooLarge),
}

impl State {
    async fn open_redis(
        &mut self,
        address: &str,
    ) -> wasmtime::Result<Result<Resource<Connection>, NotOpened>> {
        if !address::is_allowed(&self.grants, address) {
            return Ok(Err(NotOpened::Address));
        }
        if self.open_redis_connections == MAX_OPEN_CONNECTIONS {
            return Ok(Err(NotOpened::TooMany));
        }
        let connection = match self.connect_redis(address).await {
            Ok(connection) => connection,
            Err(reason) => return Ok(Err(reason)),
        };
        self.open_redis_connections += 1;
        Ok(Ok(self.table.push(connection)?))
    }

    async fn connect_redis(&mut self, address: &str) -> Result<Connection, NotOpened> {
        let client = Client::open(address).map_err(|_| NotOpened::Address)?;
        let server = client.get_connection_info();
        if !address::is_remote(server) {
            return Err(NotOpened::Address);
        }
        let meter = Meter::new(&self.memory.result());
        let blocked = &self.grants.network.blocked;
        let connected = connect::connect(server, blocked, meter.clone()).await;
        let (client, driver) = connected.map_err(NotOpened::Failed)?;
        Ok(Connection {
            client,
            meter,
            _driver: Arc::new(driver),
        })
    }

    fn close_redis(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        self.open_redis_connections -= 1;
        Ok(())
    }

    /// Runs a command. A reply with more bytes than a result may have costs the connection.
    async fn run_redis<T: FromRedisValue>(
        &mut self,
        connection: &Resource<Connection>,
        command: Cmd,
    ) -> wasmtime::Result<Result<T, Fault>> {
        let Connection {
            mut client, meter, ..
        } = self.table.get(connection)?.clone();
        meter.begin(&self.memory.result());
        let reply = command.query_async(&mut client).await;
        Ok(reply.map_err(|error| match meter.exceeded() {
            Some(too_large) => Fault::TooLarge(too_large),
            None => Fault::Redis(error),
        }))
    }
}
