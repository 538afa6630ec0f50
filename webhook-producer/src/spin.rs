//! The traits of [`platform`](crate::platform), implemented on Spin, and the HTTP handler.

mod bindings;
mod clock;
mod database;
mod entry;
mod log;
mod network;
mod signer;
mod stream;
mod variables;
mod wait;

use std::cell::OnceCell;

use spin_sdk::sqlite::Connection;

/// The platform of one request. Spin creates an instance for each, so nothing is shared.
#[derive(Default)]
struct Spin {
    /// Opened when it is first used.
    connection: OnceCell<Connection>,
}
