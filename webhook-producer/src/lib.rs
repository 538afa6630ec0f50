//! The producer: consumers register with a URL, and every firing sends each of them a payload signed
//! with its own key.
//!
//! The logic is plain Rust over the traits of [`platform`], and also runs natively, in tests. The
//! module `spin`, which is compiled only for WebAssembly, implements those traits on Spin and exports
//! the HTTP handler.
//!
//! Guarantees:
//!
//! - a consumer is registered only after it has accepted its key in a handshake, and a failed
//!   registration leaves the table unchanged;
//! - the key appears only in the response to its own registration and in the handshake;
//! - `POST /fire` responds within `outbound_timeout_ms` of the first call, even if consumers hang;
//! - with `stream_url` set, `POST /fire` responds once the event is on that Redis stream, and
//!   `webhook-sender` delivers it;
//! - without `api_token`, it serves only loopback names, and no page of another site;
//! - no response contains a query's `token` or another value that may be a secret;
//! - it never calls itself, the runtime or a cloud's metadata service.
//!
//! The registrations are in the store that the variable `store_url` selects: [`store`]. The statements
//! that create its tables are in `migrations.sql` and `migrations.postgres.sql`.

#![cfg_attr(not(test), deny(clippy::disallowed_macros, clippy::disallowed_methods))]

pub mod auth;
pub mod body;
pub mod config;
pub mod consumer_url;
pub mod event;
pub mod event_id;
pub mod exchange;
pub mod fan_out;
pub mod fields;
pub mod fire;
pub mod handshake;
pub mod health;
pub mod host;
pub mod http;
pub mod key;
pub mod origin;
pub mod platform;
pub mod problems;
pub mod registrations;
pub mod routes;
pub mod sender;
pub mod signing;
pub mod store;

#[cfg(target_family = "wasm")]
mod spin;

pub use routes::respond;
