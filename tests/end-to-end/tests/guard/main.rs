//! The guard in front of an app, as a process, at the wire.
//!
//! Most tests use the guarded app of `examples/`, which responds with the request it received and
//! prints a line for each request; some use the probe, whose path selects its behaviour.

mod concurrency;
mod forwarding;
mod guarded;
mod handshakes;
mod ids;
mod private_route;
mod refusals;
mod responses;
mod runtimes;
mod settings;
mod signing;
mod stores;
