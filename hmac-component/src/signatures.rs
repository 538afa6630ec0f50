//! `signed-webhooks:signature@0.1.0`: every scheme.
//!
//! `signature` has the answers; here they are put into the interface's words, and nothing of a
//! reason is lost on the way.

mod credentials;
mod fault;
mod keys;
mod scheme;
mod sign;
mod verify;
