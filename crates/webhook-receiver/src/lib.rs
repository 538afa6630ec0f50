//! What a Spin app needs to take signed webhooks: the handshake, verification, key rotation, and
//! the ids that were seen.
//!
//! An app routes its requests and has three calls to make:
//!
//! | call | for |
//! |---|---|
//! | [`handshake()`] | a request that carries a key |
//! | [`receive()`] | a request that has to be signed |
//! | [`check_health()`] | whether requests can be verified at all |
//!
//! ```no_run
//! use webhook_receiver::{
//!     Answer, Log, Platform, Processed, Received, Refusal, Registration, Request, receive,
//! };
//!
//! fn deliver(request: &mut impl Request, platform: &impl Platform, log: &mut Log) -> Answer {
//!     let target = request.target();
//!     let (_path, query) = target.split_once('?').unwrap_or((&target, ""));
//!     let registration = Registration::of_query(query);
//!     let received = receive(request, &registration, platform, log, |delivery, _log| {
//!         match handle(delivery.body) {
//!             // The id counts as done: a retry is answered without being processed.
//!             true => Processed::Done(Answer::text("processed")),
//!             // The id is forgotten: the sender's retry is processed like the first attempt.
//!             false => Processed::Failed(Answer { status: 500, ..Answer::text("failed") }),
//!         }
//!     });
//!     match received {
//!         Ok(Received::Processed(answer)) => answer,
//!         Ok(Received::Seen) => Answer::text("processed before"),
//!         Err(refusal) => refusal.answer(),
//!     }
//! }
//! # fn handle(_: &[u8]) -> bool { true }
//! ```
//!
//! What it promises:
//!
//! - `receive` processes a request only where the component `signed-webhooks:signature` vouches for
//!   it, by the strongest scheme it carries and no other, under a key that is in use.
//! - Of requests with one `webhook-id`, however many come at once, one is processed at a time, and
//!   none after one that succeeded ([`seen`]).
//! - Every refusal has a stable code ([`Refusal`] lists them), and none shows a key.
//! - Each [`Registration`] has keys and seen ids of its own.
//! - A body is never read past its limit, nor waited for longer than that ([`limits`]), and nothing
//!   is done with one that did not arrive as a whole.
//!
//! The parts are plain Rust that takes the request and the platform as traits. The module `spin`,
//! which is there for WebAssembly only, implements them on Spin. An app's manifest has to give:
//!
//! | what | name |
//! |---|---|
//! | variables | those of [`Settings`] and `handshake_token` |
//! | key-value store | `default` |
//! | SQLite database | `default`, for the table `webhook_ids`, which makes itself |
//! | dependency | `"signed-webhooks:signature" = { path = "….wasm" }` |

#![cfg_attr(not(test), deny(clippy::disallowed_macros, clippy::disallowed_methods))]

mod answer;
mod body;
mod handshake;
mod health;
mod hint;
mod keys;
pub mod limits;
mod log;
mod platform;
mod receive;
mod refusal;
mod registration;
mod request;
pub mod seen;
mod settings;
mod settings_error;
#[cfg(target_family = "wasm")]
pub mod spin;
pub mod variables;
mod verification;

pub use answer::Answer;
pub use body::{BodyError, read_bounded};
pub use handshake::{Handshake, handshake};
pub use health::check_health;
pub use log::Log;
pub use platform::{
    Claim, Clock, Database, Headers, KeyValue, Platform, PlatformError, Scheme, Signatures,
    Unverified, Value, Variables, Verified,
};
pub use receive::{Delivery, Processed, Received, receive};
pub use refusal::Refusal;
pub use registration::Registration;
pub use request::Request;
pub use settings::Settings;
pub use settings_error::SettingsError;
