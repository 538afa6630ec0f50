//! Planning: the planner on a real store, with filters and transforms.

mod backlog;
#[cfg(feature = "components")]
mod component;
mod dispatch_port;
mod flaky;
mod planner;
mod world;
