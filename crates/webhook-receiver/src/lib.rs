#![doc = include_str!("../README.md")]
#![warn(missing_docs)]
#![cfg_attr(not(test), deny(clippy::disallowed_macros, clippy::disallowed_methods))]

mod body;
mod capabilities;
pub mod dedup;
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
mod response;
mod settings;
mod settings_error;
#[cfg(target_family = "wasm")]
pub mod spin;
mod store;
pub mod variables;
mod verification;

pub use body::{BodyError, read_bounded};
pub use capabilities::{
    Clock, Database, Headers, KeyValue, PlatformError, Postgres, Redis, RedisReply, Scheme,
    Signatures, Value, Variables, Verified, VerifyError, VerifyInput,
};
pub use handshake::{Handshake, handshake};
pub use health::check_health;
pub use log::Log;
pub use platform::Platform;
pub use receive::{Delivery, Processed, Received, receive};
pub use refusal::Refusal;
pub use registration::Registration;
pub use request::Request;
pub use response::Response;
pub use settings::Settings;
pub use settings_error::SettingsError;
pub use store::{ClaimResult, Retention, Store};
