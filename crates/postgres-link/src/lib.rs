//! Addresses of PostgreSQL databases, and connections to them.
//!
//! An [`Address`] is a URL with `sslmode` as in libpq. A [`Connector`] connects within a deadline, and
//! each reason for which it cannot is a [`ConnectError`] that names the address and what to do.

#![cfg_attr(not(test), deny(clippy::disallowed_macros))]

mod address;
mod connector;
mod error;
mod same_database;
mod tls;

pub use address::{Address, AddressError};
pub use connector::{Connector, Direct, Driver, SETUP_TIMEOUT};
pub use error::{ConnectError, describe};
pub use same_database::are_one_database;
