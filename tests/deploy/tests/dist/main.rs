//! The archives of a release: made by the script that makes them, unpacked, and run; and what
//! guards a release: the workflow, the updates, the licences.

#[path = "../process/mod.rs"]
mod process;

mod archives;
mod composed;
mod licences;
mod parts;
mod release;
mod workflow;
