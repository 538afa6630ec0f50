//! `spin-local` as a process, with the probe as its guest: what a guest and its callers see.
//!
//! Every test starts a process of its own, with stores of its own, on a free port.

mod address;
mod arguments;
mod capabilities;
mod chaining;
mod concurrency;
mod end;
mod faults;
mod logs;
mod outbound;
mod probe;
mod redis;
mod requests;
mod start;
mod state;
