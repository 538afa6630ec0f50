//! Fault injection against a running sender, and the reconciliation of every event afterwards.
//!
//! A [`Cell`] is one fault in one [`Column`] (a store and a source). It starts real processes,
//! publishes at a steady rate, lets the fault happen, and then checks five promises:
//!
//! 1. every accepted event was delivered, or is pending, dead or rejected in the API;
//! 2. no event was delivered twice unless a process died, and then at most those in flight;
//! 3. the sender recovers by itself within ten seconds after the fault;
//! 4. `/readyz` never returned 200 while the sender could not work;
//! 5. SIGTERM stops the sender in time, with exit code 0.
//!
//! `docs/RELIABILITY.md` has the matrix and its last results; `make chaos` writes them there.

mod cell;
mod column;
mod config;
mod disk;
mod fault;
mod hostile;
mod injection;
mod ledger;
mod matrix;
mod names;
mod probe;
mod receiver;
mod reconcile;
mod report;
mod runner;
mod schedule;
mod sender;
mod server;
mod store;
mod tools;
mod traffic;
mod verdict;
mod world;

pub use cell::{Bench, Cell};
pub use column::Column;
pub use fault::Fault;
pub use matrix::{all, subset};
pub use report::{table, write_page};
pub use runner::{Run, run};
pub use verdict::Outcome;
