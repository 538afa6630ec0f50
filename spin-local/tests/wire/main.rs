//! `spin-local` as a process, with the probe as its guest: what a guest and its callers see.
//!
//! Every test starts a process of its own, with stores of its own, on a free port.

mod address;
mod arguments;
mod capabilities;
mod chaining;
mod clients;
mod concurrency;
mod dependencies;
mod end;
mod faults;
mod files;
mod logs;
mod outbound;
mod private;
mod probe;
mod redis;
mod requests;
mod results;
mod start;
mod state;
mod static_responses;
mod terminal;
