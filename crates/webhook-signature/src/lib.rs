#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), deny(clippy::disallowed_macros, clippy::disallowed_methods))]
#![no_std]
#![warn(missing_docs)]

extern crate alloc;
#[cfg(feature = "tower")]
extern crate std;

mod base64;
mod credential;
mod credential_error;
#[cfg(feature = "v1a")]
mod ed25519;
mod freshness;
pub mod generate;
mod header;
mod hex;
mod hmac_sha256;
mod key;
mod message;
mod near_miss;
pub mod plain;
mod prefix;
mod refusal;
mod request;
mod scheme;
mod sign;
mod sign_error;
mod signatures;
mod small_list;
pub mod standard;
mod tags;
mod timestamp;
#[cfg(feature = "tower")]
pub mod tower;
mod verify;
pub mod wss;

pub use credential::{Credential, MAX_SECRET_BYTES, MIN_SECRET_BYTES};
pub use credential_error::CredentialError;
pub use freshness::Freshness;
pub use header::MAX_HEADER_BYTES;
pub use key::Key;
pub use message::{Header, Message};
pub use near_miss::check_text;
pub use refusal::{Fault, Refusal};
pub use request::Request;
pub use scheme::Scheme;
pub use sign::sign;
pub use sign_error::SignError;
pub use verify::{Verified, verify};
