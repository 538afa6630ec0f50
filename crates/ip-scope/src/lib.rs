//! Classifies IP addresses and host names, to prevent server-side request forgery (SSRF).
//!
//! An address is public unless a registry of special-purpose addresses lists it (IANA, RFC 6890 and
//! later). An IPv6 address that embeds an IPv4 address, by any transition mechanism, is never public:
//! its destination depends on a gateway.

#![cfg_attr(not(test), deny(clippy::disallowed_macros, clippy::disallowed_methods))]

mod address;
mod name;
mod scope;

pub use address::{scope, scope_v4, scope_v6};
pub use name::{is_at_or_below, scope_of_name};
pub use scope::Scope;
