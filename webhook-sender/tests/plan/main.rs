//! Planning: the planner on a real store, with filters and transforms.

mod backlog;
mod batches;
#[cfg(feature = "components")]
mod component;
mod dispatch_port;
mod flaky;
mod planner;
mod programs;
mod world;
