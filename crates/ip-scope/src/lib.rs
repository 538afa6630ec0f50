//! Where an IP address or a host's name leads, for those who are told by strangers whom to call.
//!
//! Public is what the registries of special-purpose addresses (IANA, RFC 6890 and after) leave over.
//! An IPv6 address that carries an IPv4 one, in any of the forms of transition, is never public:
//! where it ends up is decided by a gateway, not by the address.

#![cfg_attr(not(test), deny(clippy::disallowed_macros, clippy::disallowed_methods))]

mod address;
mod name;
mod reach;

pub use address::{reach, reach_v4, reach_v6};
pub use name::{is_at_or_below, reach_of_name};
pub use reach::Reach;
