//! Access keys: who may call the API and open the pages.
//!
//! - Keys come from the configuration file, or are created at run time and kept in the store. Only
//!   hashes of their texts are kept, and compared in constant time.
//! - Each key has a [`Role`](webhook_model::Role). A key that is no administrator's is bound to one
//!   tenant: see [`Principal`] and [`Permission`].
//! - Every process holds all keys, and reads the changes of other processes every second.
//! - A session is opened by a key, and ends with it at the latest.

mod configured;
mod declaration;
mod keyring;
mod new_token;
mod permission;
mod portal;
mod principal;
mod sessions;
mod stored;
mod uses;

#[cfg(test)]
mod tests;

pub use configured::ConfiguredKey;
pub use declaration::{check_name, check_tenant, parse_role};
pub use keyring::Keyring;
pub use new_token::{NewKey, NewToken};
pub use permission::Permission;
pub use portal::NewPortalSession;
pub use principal::{Denial, Principal};
pub use sessions::{SESSION_LIFETIME, SignedIn};
