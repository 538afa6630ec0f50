//! The connections to Redis servers that a guest has open.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use ::redis::{Arg, Client, Cmd, FromRedisValue, RedisError};
use wasmtime::component::Resource;

use super::address;
use super::connect::connect;
use super::connection::Connection;
use crate::host::limit::TooLarge;
use crate::host::meter::Meter;
use crate::host::state::State;

/// The maximum number of open connections of an instance, as in Spin.
const MAX_OPEN_CONNECTIONS: usize = 1024;

/// The timeout for a reply: a server that accepts a command and never replies must not occupy an
/// instance forever.
const REPLY_TIMEOUT: Duration = Duration::from_secs(30);

/// Commands that wait on purpose, for as long as their arguments say.
const BLOCKING: [&str; 12] = [
    "BLMOVE",
    "BLMPOP",
    "BLPOP",
    "BRPOP",
    "BRPOPLPUSH",
    "BZMPOP",
    "BZPOPMAX",
    "BZPOPMIN",
    "WAIT",
    "WAITAOF",
    "XREAD",
    "XREADGROUP",
];

/// The error of a connection that cannot be opened.
pub(super) enum OpenError {
    Address,
    TooMany,
    Failed(RedisError),
}

/// The error of a command.
pub(super) enum CommandError {
    Redis(RedisError),
    TooLarge(TooLarge),
}

impl State {
    pub(super) async fn open_redis(
        &mut self,
        address: &str,
    ) -> wasmtime::Result<Result<Resource<Connection>, OpenError>> {
        if !address::is_allowed(&self.grants, address) {
            return Ok(Err(OpenError::Address));
        }
        if self.open_redis_connections == MAX_OPEN_CONNECTIONS {
            return Ok(Err(OpenError::TooMany));
        }
        let connection = match self.connect_redis(address).await {
            Ok(connection) => connection,
            Err(reason) => return Ok(Err(reason)),
        };
        self.open_redis_connections += 1;
        Ok(Ok(self.table.push(connection)?))
    }

    async fn connect_redis(&mut self, address: &str) -> Result<Connection, OpenError> {
        let client = Client::open(address).map_err(|_| OpenError::Address)?;
        let server = client.get_connection_info();
        if !address::is_remote(server) {
            return Err(OpenError::Address);
        }
        let meter = Meter::new(&self.memory.result_limit());
        let blocked = &self.grants.network.blocked;
        let connected = connect(server, blocked, meter.clone()).await;
        let (client, driver) = connected.map_err(OpenError::Failed)?;
        Ok(Connection {
            client,
            meter,
            _driver: Arc::new(driver),
        })
    }

    pub(super) fn close_redis(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        self.open_redis_connections -= 1;
        Ok(())
    }

    /// Runs a command. A reply over the limit of a result closes the connection.
    pub(super) async fn run_redis<T: FromRedisValue>(
        &mut self,
        connection: &Resource<Connection>,
        command: Cmd,
    ) -> wasmtime::Result<Result<T, CommandError>> {
        let Connection {
            mut client, meter, ..
        } = self.table.get(connection)?.clone();
        meter.begin(&self.memory.result_limit());
        let reply = if is_blocking(&command) {
            command.query_async(&mut client).await
        } else {
            let reply = tokio::time::timeout(REPLY_TIMEOUT, command.query_async(&mut client)).await;
            let timed_out = || io::Error::new(io::ErrorKind::TimedOut, "no reply in time");
            reply.unwrap_or_else(|_| Err(timed_out().into()))
        };
        Ok(reply.map_err(|error| match meter.exceeded() {
            Some(too_large) => CommandError::TooLarge(too_large),
            None => CommandError::Redis(error),
        }))
    }
}

fn is_blocking(command: &Cmd) -> bool {
    let Some(Arg::Simple(name)) = command.args_iter().next() else {
        return false;
    };
    BLOCKING
        .iter()
        .any(|blocking| name.eq_ignore_ascii_case(blocking.as_bytes()))
}
