//! The PostgreSQL capability: connections to the servers in `allowed_outbound_hosts`.

mod access;
mod address;
mod connect;
mod connection;
mod conversions;
mod error;
mod parameter;
mod range;
mod types;
mod value;
mod version_2;
mod version_3;
mod version_4;

pub use connection::{Builder, Connection};
