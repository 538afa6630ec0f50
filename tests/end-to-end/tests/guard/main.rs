//! The guard in front of an app, as a process, at the wire.
//!
//! Most tests have the guarded app of `examples/` behind the guard, which answers with what it got
//! and prints a line for each request; some have the probe, which does what its path says.

mod answers;
mod guarded;
mod handshakes;
mod ids;
mod outside;
mod passing;
mod places;
mod refusals;
mod runtimes;
mod settings;
mod signing;
