//! Signing webhooks and verifying them: one truth for every tag.
//!
//! Pure computation over bytes. Nothing here reads a file, a socket or a clock, nothing is
//! `unsafe`, and no input makes it panic. A body is bytes and is never assumed to be text.
//!
//! Each scheme is a module that knows its headers, the bytes it signs and the form of its tag, the
//! strongest last:
//!
//! | module | headers | signed bytes | tag |
//! |---|---|---|---|
//! | [`plain`] | `X-Signature` | the raw body | hex |
//! | [`wss`] | `X-WSS-Timestamp`, `X-WSS-Signature` | timestamp, body | hex |
//! | [`standard`] | `webhook-id`, `webhook-timestamp`, `webhook-signature` | `id.timestamp.body` | `v1,` + base64; `v1a,` + base64 for ed25519 |
//!
//! A sender asks [`sign()`] for the headers of a scheme. A receiver gives [`verify()`] a
//! [`Request`], its [`Credential`]s and the time, and learns what is vouched for, or a [`Refusal`]
//! that says why nothing is. Several credentials are for the time while a secret is being replaced.
//!
//! ```
//! use webhook_signature::{Credential, Freshness, Message, Refusal, Request, Scheme, sign, verify};
//!
//! let keys = [Credential::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?];
//! let body = br#"{"event": "order.shipped"}"#;
//! let sent_at = 1_614_265_330;
//!
//! let message = Message { id: "evt_42", timestamp: sent_at, body };
//! let headers = sign(Scheme::Standard, &keys, &message)?;
//!
//! let headers = || headers.iter().map(|(name, value)| (*name, value));
//! let now = Freshness::at(sent_at + 2);
//! let verified = verify(&keys, &Request::new(headers(), body), now, Scheme::Wss)?;
//! assert_eq!(verified.id, Some("evt_42"));
//!
//! let other = Request::new(headers(), br#"{"event": "order.refunded"}"#);
//! assert_eq!(verify(&keys, &other, now, Scheme::Wss), Err(Refusal::NoMatch));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | feature | |
//! |---|---|
//! | `v1a` | ed25519, which is off by default for its size |
//! | `tower` | the module `tower`: a layer that protects an axum or hyper receiver; it brings the standard library |
//! | `redis` | `tower`, and a store of seen ids in Redis |

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
mod hex;
mod hmac_sha256;
mod key;
mod near_miss;
pub mod plain;
mod refusal;
mod request;
mod scheme;
mod sign;
mod signatures;
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
pub use key::Key;
pub use near_miss::check_text;
pub use refusal::{Fault, Refusal};
pub use request::{MAX_HEADER_BYTES, Request};
pub use scheme::Scheme;
pub use sign::{Header, Message, SignError, sign};
pub use verify::{Verified, verify};

/// Compiles and runs the Rust in `docs/SIGNATURES.md`.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/SIGNATURES.md")]
struct Documentation;
