//! The archives of a release, built by the release script, unpacked and run; the release workflow, the
//! update configuration and the licences.

#[path = "../process/mod.rs"]
mod process;

mod archives;
mod composed;
mod licences;
mod parts;
mod release;
mod workflow;
