//! Spin behind the traits of [`outside`](crate::outside), and the HTTP handler it calls.

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

/// The outside of one request. Spin makes a fresh instance for each, so nothing here is shared.
#[derive(Default)]
struct Spin {
    /// Opened by the first statement.
    connection: OnceCell<Connection>,
}
