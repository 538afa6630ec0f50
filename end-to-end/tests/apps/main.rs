//! The producer and the consumer as processes, at the wire.
//!
//! Every test starts processes of its own, with stores of their own, on free ports. All of them run
//! on `spin-local`; `runtimes.rs` also runs on a real Spin where there is one.

mod consumer;
mod errors;
mod events;
mod fan_out;
mod handshake;
mod producer;
mod refusals;
mod registrations;
mod runtimes;
mod secrecy;
mod signature;
mod tokens;
