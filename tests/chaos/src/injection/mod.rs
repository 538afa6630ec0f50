//! Makes faults happen, and ends them.

mod api;
mod fault;
mod machine;
mod signals;
mod store;
