//! `signed-webhooks:signature@0.1.0`: every scheme.
//!
//! [`webhook_signature`] does the work. These modules convert its types into those of the interface.

mod credentials;
mod fault;
mod keys;
mod scheme;
mod sign;
mod verify;
