//! The traits of [`platform`](crate::platform), implemented on Spin, and the HTTP handler.

mod bindings;
mod clock;
mod database;
mod entry;
mod log;
mod network;
mod postgres;
mod redis;
mod signer;
mod variables;
mod wait;

use std::cell::OnceCell;

/// The platform of one request. Spin creates an instance for each, so nothing is shared.
#[derive(Default)]
struct Spin {
    /// Opened when it is first used.
    #[cfg(feature = "local-store")]
    connection: OnceCell<spin_sdk::sqlite::Connection>,
    /// Opened when it is first used. A request uses one address.
    postgres: OnceCell<spin_sdk::pg::Connection>,
}
