//! TLS of the sender's connections: trusted certificates, and readable errors.

#![cfg_attr(not(test), deny(clippy::disallowed_macros))]

mod trust;
mod words;

pub use trust::{TlsError, authorities, authorities_file, certificates, client_config};
pub use words::{explain, find};
