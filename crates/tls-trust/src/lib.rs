//! The TLS of the sender's connections: which certificates are trusted, and errors in words.

mod trust;
mod words;

pub use trust::{TlsError, certificates, client_config};
pub use words::{explain, find};
