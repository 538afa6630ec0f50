//! Faults by name, and the rows of the matrix that they are.

mod kind;
mod profile;

pub use kind::Fault;
pub use profile::Profile;
