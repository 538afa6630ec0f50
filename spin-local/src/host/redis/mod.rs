//! The Redis capability: connections to the servers in `allowed_outbound_hosts`.

mod access;
mod address;
mod connect;
mod connection;
mod interface;
mod meter;
mod reply;

pub use connection::Connection;
