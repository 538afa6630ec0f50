//! The producer: consumers register here with a URL, and every firing sends each of them a payload
//! signed with its own key.
//!
//! Everything that decides anything is plain Rust over the traits of [`outside`] and runs natively,
//! in tests too. The module `spin`, which exists on WebAssembly only, puts Spin behind those traits
//! and exports the HTTP handler.
//!
//! What it promises:
//!
//! - a consumer is registered only after it accepted its key in a handshake, and a registration
//!   that fails leaves the table as it was;
//! - the key appears in the answer to its own registration and in the handshake, nowhere else;
//! - `POST /fire` answers within `outbound_timeout_ms` of calling out, however many consumers hang;
//! - with `stream_url` set, `POST /fire` answers once the event is on that Redis stream, and
//!   `webhook-sender` delivers it;
//! - without `api_token` it serves loopback names alone, and no page of another site;
//! - a query's `token`, and what else may be a secret there, is shown in no answer;
//! - what the service itself, the runtime or a cloud's metadata listens on is never called.
//!
//! The statements that create its table are in `migrations.sql`.

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
pub mod outside;
pub mod problems;
pub mod registrations;
pub mod routes;
pub mod sender;
pub mod signing;
pub mod store;

#[cfg(target_family = "wasm")]
mod spin;

pub use routes::answer;
