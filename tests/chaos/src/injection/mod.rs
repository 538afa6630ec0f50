//! Makes faults happen, and ends them.

mod api;
mod connections;
mod fault;
mod machine;
mod signals;
mod store;
