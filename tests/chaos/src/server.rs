//! The server of a store.

use std::net::SocketAddr;

use anyhow::{Result, bail};
use test_support::postgres::PostgresServer;
use test_support::redis::RedisServer;

/// The server of a store.
pub enum Server {
    Redis(RedisServer),
    Postgres(PostgresServer),
}

impl Server {
    pub fn address(&self) -> SocketAddr {
        match self {
            Self::Redis(redis) => redis.address(),
            Self::Postgres(postgres) => postgres.address(),
        }
    }

    /// Returns the URL of the store if its server has this address.
    pub fn url_at(&self, address: SocketAddr) -> String {
        match self {
            Self::Redis(_) => format!("redis://{address}"),
            Self::Postgres(_) => format!("postgres://postgres@{address}/postgres"),
        }
    }

    pub fn kill(&mut self) {
        match self {
            Self::Redis(redis) => redis.kill(),
            Self::Postgres(postgres) => postgres.kill(),
        }
    }

    pub async fn restart(&mut self) {
        match self {
            Self::Redis(redis) => redis.restart().await,
            Self::Postgres(postgres) => postgres.restart().await,
        }
    }

    /// Freezes the server.
    pub fn stall(&self) {
        match self {
            Self::Redis(redis) => redis.stall(),
            Self::Postgres(postgres) => postgres.stall(),
        }
    }

    pub fn unstall(&self) {
        match self {
            Self::Redis(redis) => redis.unstall(),
            Self::Postgres(postgres) => postgres.unstall(),
        }
    }

    pub fn redis(&self) -> Result<&RedisServer> {
        match self {
            Self::Redis(redis) => Ok(redis),
            Self::Postgres(_) => bail!("the store is not in Redis"),
        }
    }

    pub fn postgres(&self) -> Result<&PostgresServer> {
        match self {
            Self::Postgres(postgres) => Ok(postgres),
            Self::Redis(_) => bail!("the store is not in PostgreSQL"),
        }
    }
}
