//! The producer and the consumer as processes, at the wire.
//!
//! Every test starts processes of its own, with stores of their own, on free ports. All of them run
//! on `spin-local`; `runtimes.rs` also runs on a real Spin where there is one.

mod conformance;
mod consumer;
mod defaults;
mod errors;
mod events;
mod fan_out;
mod handshake;
mod incomplete;
mod migration;
mod origin;
mod producer;
mod queue;
mod refusals;
mod registrations;
mod rotation;
mod runtimes;
mod schemes;
mod scripts;
mod secrecy;
mod seen;
mod sender;
mod signature;
mod tokens;
