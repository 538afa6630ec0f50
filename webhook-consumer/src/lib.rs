//! The webhook consumer: a Spin app that receives a signing key in a handshake and then verifies
//! every delivery with it.
//!
//! | request | response |
//! |---|---|
//! | `POST /target?handshake=true` with `{"keyData": "…"}` | 200, and the key is in use from now on; 403 without the right `token`, or without `handshake_token` unless `open_handshake` is `true` |
//! | `POST /target`, signed | 200 `Received payload and verified integrity`, or 400 naming the reason |
//! | `GET`, `HEAD /healthz` | 200 while deliveries can be verified, else 503 |
//!
//! Queries that differ in more than `handshake` and `token` are different registrations, each with
//! its own keys and ids. One slash at the end of a path is ignored.
//!
//! The app adds routes to [`webhook_receiver`], which documents handshakes, verification,
//! deduplication and the variables. Apps that receive webhooks can use that crate in the same way.
//!
//! Everything except the module `entry` is plain Rust: [`respond`] takes the request and the platform
//! as traits, so that it runs in native tests.

#![cfg_attr(not(test), deny(clippy::disallowed_macros, clippy::disallowed_methods))]

mod consumer;
mod delivery;
mod route;

#[cfg(target_family = "wasm")]
mod entry;

pub use consumer::respond;
pub use delivery::{DUPLICATE, VERIFIED};
