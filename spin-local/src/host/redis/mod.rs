//! The Redis capability: connections to the servers in `allowed_outbound_hosts`.

mod access;
mod address;
mod connect;
mod connection;
mod interface;
mod reply;
mod reply_size;

pub use connection::Connection;
