//! The webhook consumer: a Spin app that takes a signing key in a handshake and then verifies
//! every delivery with it.
//!
//! | request | answer |
//! |---|---|
//! | `POST /target?handshake=true` with `{"keyData": "…"}` | 200, and the key is in use from now on; 403 without the right `token`, or without `handshake_token` unless `open_handshake` is `true` |
//! | `POST /target`, signed | 200 `Received payload and verified integrity`, or 400 naming the reason |
//! | `GET`, `HEAD /healthz` | 200 while deliveries can be verified, else 503 |
//!
//! A query other than `handshake` and `token` makes another registration, with keys and seen ids of
//! its own. One slash at the end of a path makes no difference.
//!
//! It is routes around [`webhook_receiver`], which has the rest: what a handshake does, how a
//! delivery is verified, when an id counts as seen, and what the variables mean. An app of one's
//! own that takes webhooks is built on that crate.
//!
//! Everything here but the module `entry` is plain Rust: [`answer`] takes the request and the
//! platform as traits, so that it runs in native tests.

#![cfg_attr(not(test), deny(clippy::disallowed_macros, clippy::disallowed_methods))]

mod consumer;
mod delivery;
mod route;

#[cfg(target_family = "wasm")]
mod entry;

pub use consumer::answer;
pub use delivery::{SEEN, VERIFIED};
