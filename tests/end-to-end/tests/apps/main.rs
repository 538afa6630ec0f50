//! The producer and the consumer as processes, at the wire.
//!
//! Every test starts its own processes, with their own stores, on free ports. All of them run on
//! `spin-local`; `runtimes.rs` also runs on a real Spin if there is one.

mod conformance;
mod consumer;
mod dedup;
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
mod sender;
mod signature;
mod stores;
mod tokens;
