//! The columns of the matrix: a store, and a source besides the API.

use std::fmt;

/// A store and a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// A SQLite file; events come through the API.
    Sqlite,
    /// PostgreSQL; events come through the API.
    Postgres,
    /// Redis; events come through the API.
    Redis,
    /// Redis; events come through the API and a stream of the same server.
    RedisStream,
    /// Redis; events come through the API and a stream of another server, without ids.
    RedisSource,
}

impl Column {
    pub const ALL: [Self; 5] = [
        Self::Sqlite,
        Self::Postgres,
        Self::Redis,
        Self::RedisStream,
        Self::RedisSource,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::RedisStream => "redis+stream",
            Self::RedisSource => "redis+source",
        }
    }

    pub fn is_redis(self) -> bool {
        matches!(self, Self::Redis | Self::RedisStream | Self::RedisSource)
    }

    pub fn has_stream(self) -> bool {
        matches!(self, Self::RedisStream | Self::RedisSource)
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
