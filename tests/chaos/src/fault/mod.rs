//! Faults: each a value with a start and an end.

mod act;
mod api;
mod kind;
mod machine;
mod profile;
mod signals;
mod store;

pub use kind::Fault;
pub use profile::Profile;
