//! The SQLite capability.

mod access;
mod connection;
mod handle;
mod interfaces;

pub use connection::Connection;
pub(super) use connection::Database;
