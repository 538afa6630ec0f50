//! TLS of the sender's connections: trusted certificates, and readable errors.

mod trust;
mod words;

pub use trust::{TlsError, authorities, certificates, client_config};
pub use words::{explain, find};
