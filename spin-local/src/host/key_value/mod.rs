//! The key-value capability. Guests use it through Spin's interface ([`spin`]) or WASI's ([`wasi`]).

mod access;
mod spin;
mod store;
mod wasi;

pub(super) use store::Database;
pub use store::{Cas, Store};
