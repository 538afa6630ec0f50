//! The Redis capability: connections to servers that `allowed_outbound_hosts` allows.

mod address;
mod interface;
mod results;

use ::redis::aio::MultiplexedConnection;
use ::redis::{Client, RedisError};
use wasmtime::component::Resource;

use super::State;
use address::Addresses;

/// Connections one instance may hold open; Spin's number.
const MAX_OPEN_CONNECTIONS: usize = 1024;

/// A guest's connection.
#[derive(Clone)]
pub struct Connection(MultiplexedConnection);

/// Why a connection was not opened.
enum NotOpened {
    Address,
    TooMany,
    Failed(RedisError),
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
        let connection = match connect(address, Addresses::of(&self.grants)).await {
            Ok(connection) => Connection(connection),
            Err(reason) => return Ok(Err(reason)),
        };
        self.open_redis_connections += 1;
        Ok(Ok(self.table.push(connection)?))
    }

    fn close_redis(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        self.open_redis_connections -= 1;
        Ok(())
    }

    fn redis(&self, connection: &Resource<Connection>) -> wasmtime::Result<MultiplexedConnection> {
        Ok(self.table.get(connection)?.0.clone())
    }
}

async fn connect(address: &str, addresses: Addresses) -> Result<MultiplexedConnection, NotOpened> {
    let client = Client::open(address).map_err(|_| NotOpened::Address)?;
    if !address::is_remote(client.get_connection_info()) {
        return Err(NotOpened::Address);
    }
    let connection = client
        .get_multiplexed_async_connection_with_config(&addresses.config())
        .await;
    connection.map_err(NotOpened::Failed)
}
