//! The webhook consumer: a Spin app that takes a signing key in a handshake and then verifies
//! every delivery with it.
//!
//! | request | answer |
//! |---|---|
//! | `POST /target?handshake=true` with `{"keyData": "…"}` | 200, and the key is the one that counts from now on |
//! | `POST /target` with `X-Signature` | 200 `Received payload and verified integrity`, or 400 naming the reason |
//! | `GET /healthz` | 200 while the key-value store can be read, else 503 |
//!
//! What it promises:
//!
//! - A delivery is answered 200 only where the component `fermyon:hmac/verify@0.1.0` found its tag
//!   to be the one of the raw body under the stored key.
//! - Every other answer is a problem document with a stable code ([`Refusal`] lists them all).
//! - A body is never read past its limit ([`limits`]).
//! - The key is in no answer and in no log line: those carry its [`Fingerprint`].
//!
//! Everything here but the module `app` is plain Rust: [`answer`] takes the request and the
//! platform as traits, so that it runs in native tests. `app` is there for WebAssembly only and
//! ties it to Spin.

mod answer;
mod body;
mod consumer;
mod delivery;
mod handshake;
mod health;
mod key;
pub mod limits;
mod log;
mod platform;
mod refusal;
mod request;
mod route;
mod scheme;
mod verification;

#[cfg(target_family = "wasm")]
mod app;

pub use answer::Answer;
pub use body::{BodyError, read_bounded};
pub use consumer::answer;
pub use delivery::VERIFIED;
pub use key::{Fingerprint, Key, KeyError};
pub use log::Log;
pub use platform::{Platform, PlatformError};
pub use refusal::Refusal;
pub use request::Request;
pub use scheme::Scheme;
