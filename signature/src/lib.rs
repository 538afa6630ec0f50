//! Signing webhooks and verifying them: one truth for every tag.
//!
//! Pure computation over bytes. Nothing here reads a file, a socket or a clock, nothing is
//! `unsafe`, and no input makes it panic. A body is bytes and is never assumed to be text.
//!
//! Each scheme is a module that knows its headers, the bytes it signs and the form of its tag:
//!
//! | module | header | signed bytes | tag |
//! |---|---|---|---|
//! | [`plain`] | `X-Signature` | the raw body | upper-case hex, either case accepted |
//!
//! All of them sign with a [`Key`] and answer a request they do not accept with a [`Refusal`],
//! which says why.
//!
//! ```
//! use signature::{Key, Refusal, plain};
//!
//! let key = Key::from_text("RqJcWxsJDKjgINLWWiBwYEV3ROg7LaXD1Xzz");
//! let body = br#"{"event": "order.shipped"}"#;
//!
//! let tag = plain::sign(&key, body);
//! assert_eq!(plain::verify([&key], body, Some(tag.as_bytes())), Ok(()));
//!
//! let other_body = br#"{"event": "order.refunded"}"#;
//! assert_eq!(
//!     plain::verify([&key], other_body, Some(tag.as_bytes())),
//!     Err(Refusal::NoMatch)
//! );
//! ```

#![no_std]
#![warn(missing_docs)]

extern crate alloc;

mod hmac_sha256;
mod key;
pub mod plain;
mod refusal;

pub use key::Key;
pub use refusal::{Fault, Refusal};
