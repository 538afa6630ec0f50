//! A guard for any Spin app: a component that serves the app's public route, verifies the signature
//! of every request, and forwards accepted ones to another component of the same app, over Spin's
//! local service chaining. The guarded component needs no code for signatures, and its own route is
//! private.
//!
//! ```text
//! request ──▶ webhook-guard ──▶ http://<guarded_component>.spin.internal ──▶ the app
//!                   │
//!                   └──▶ refused: a problem document
//! ```
//!
//! Guarantees:
//!
//! - The app receives a request only if [`webhook_receiver::receive`] accepts it. Every request must
//!   be signed, with any method, with or without a body.
//! - The request is forwarded unchanged: method, path, query, headers and body. Only headers that
//!   the runtime sets itself are dropped ([`forwarded_headers`]).
//! - The response is streamed to the client while the app is still writing it.
//! - An event whose `webhook-id` was processed is not forwarded again. If the app responds with
//!   anything but 2xx, or incompletely, the id is released and a retry is forwarded.
//!
//! | variable | meaning |
//! |---|---|
//! | `guarded_component` | the component that accepted requests go to |
//! | `handshake_path` | the path at which a `POST` with `?handshake=true` sets the key; empty: no handshakes |
//! | `signing_key` | the key, if the sender issues one; then there are no handshakes |
//! | `signing_key_previous` | the previous key, while it is being rotated; empty: none |
//!
//! The variables of [`webhook_receiver::Settings`] and `handshake_token` apply as well. While
//! `handshake_token` is empty, handshakes are refused.
//!
//! Everything except the module `app` is plain Rust: [`guard()`] takes the request, the platform and
//! the call to the app as arguments. `app` is compiled only for WebAssembly and binds it to Spin.

#![cfg_attr(not(test), deny(clippy::disallowed_macros, clippy::disallowed_methods))]

mod forward_error;
mod guard;
mod headers;
mod platform;
mod route;

#[cfg(target_family = "wasm")]
mod app;

pub use forward_error::ForwardError;
pub use guard::{ForwardedRequest, ForwardedResponse, Outcome, guard};
pub use headers::forwarded_headers;
pub use platform::GuardPlatform;
pub use route::{Route, component};
