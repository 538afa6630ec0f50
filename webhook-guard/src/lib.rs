//! A guard for any Spin app: a component that takes the app's public route, verifies every
//! request's signature, and passes on what it accepts to another component of the same app, over
//! Spin's local service chaining. The guarded component has no idea of signatures, and its own
//! route is private.
//!
//! ```text
//! request ──▶ webhook-guard ──▶ http://<guarded_component>.spin.internal ──▶ the app
//!                   │
//!                   └──▶ refused: a problem document
//! ```
//!
//! What it promises:
//!
//! - The app gets a request only where [`webhook_receiver::receive`] vouches for it. Whatever its
//!   method, and with a body or without one, a request has to be signed.
//! - The request reaches the app as it came: method, path, query, headers and body. [`passed_on`]
//!   says what is left out, which is what the runtime puts there itself.
//! - The answer goes back as the app gave it, while the app is still writing it.
//! - An event whose `webhook-id` was processed is not passed on again. One that the app answered
//!   with anything but 2xx is, and one whose answer broke off: its id is forgotten.
//!
//! | variable | meaning |
//! |---|---|
//! | `guarded_component` | the component that accepted requests go to |
//! | `handshake_path` | `POST` to it with `?handshake=true` brings a key; empty: there is no handshake |
//! | `signing_key` | the key, where the sender hands one out; then there is no handshake |
//! | `signing_key_previous` | the key before it, while it is being replaced; empty: none |
//!
//! Besides them it has those of [`webhook_receiver::Settings`] and `handshake_token`. While that is
//! empty, handshakes are refused.
//!
//! Everything here but the module `app` is plain Rust: [`guard()`] takes the request, the platform
//! and the way to the app as arguments. `app` is there for WebAssembly only and ties it to Spin.

#![cfg_attr(not(test), deny(clippy::disallowed_macros, clippy::disallowed_methods))]

mod door;
mod guard;
mod headers;
mod keys;
mod unreached;

#[cfg(target_family = "wasm")]
mod app;

pub use door::{Door, component};
pub use guard::{Answered, Outcome, Passing, guard};
pub use headers::passed_on;
pub use keys::Keyed;
pub use unreached::Unreached;
