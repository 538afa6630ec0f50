//! Planning: the planner on a real store, and what it makes of filters and transforms.

mod backlog;
#[cfg(feature = "components")]
mod component;
mod flaky;
mod lanes;
mod planner;
mod world;
