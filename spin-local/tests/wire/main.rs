//! Tests of the `spin-local` process with the probe as its guest, as seen by guests and clients.
//!
//! Each test starts its own process with its own stores on a free port.

mod address;
mod arguments;
mod capabilities;
mod chaining;
mod clients;
mod concurrency;
mod dependencies;
mod faults;
mod files;
mod logs;
mod outbound;
mod postgres;
mod postgres_tls;
mod private_files;
mod private_routes;
mod probe;
mod redis;
mod requests;
mod results;
mod shutdown;
mod start;
mod state;
mod static_responses;
mod terminal;
