//! A connection to Redis or Valkey that several tasks share, and scripts that run over it.
//!
//! The store and the readers of streams use it: both must survive servers that restart, fail over or
//! are unreachable for a while.

#![cfg_attr(not(test), deny(clippy::disallowed_macros))]

mod address;
mod bounded;
mod link;
mod script;

pub use address::{Address, AddressError};
pub use bounded::REPLY_TOO_LARGE;
pub use link::Link;
pub use script::Script;
