//! From an event to durable deliveries.
//!
//! An event is checked ([`RawEvent::check`](webhook_model::RawEvent::check)), matched against its tenant's endpoints, filtered and
//! transformed for each, and kept with its deliveries in one step. What it promises:
//!
//! - When [`Planner::submit`] or [`Planner::plan`] returns, the event is durable: planned with its
//!   deliveries where its tenant's programs are quick, else accepted. [`BacklogPlanner`] plans what is
//!   accepted, in the order of acceptance within each tenant, and delays no other tenant.
//! - An event whose planning ends the process is tried alone the next time, and rejected as `poison`
//!   after so many tries.
//! - An event that is known already changes nothing. The ids of deliveries derive from the event's
//!   and the endpoint's, so planning twice is planning once.
//! - A filter or transform that fails makes a dead letter of that one delivery, with the reason.
//! - Nothing that a tenant writes stops the sender: expressions and components run within bounds,
//!   and away from the async threads where they may take long.
//! - A delivery starts without a detour through the queue where its endpoint has a place free.

mod backlog;
mod dispatch_port;
mod error;
mod planner;
mod rejected;
mod reservations;
mod signals;
mod uncertain_claims;
mod work;

pub use backlog::{BacklogPlanner, BacklogStats};
pub use dispatch_port::DispatchPort;
pub use error::PlanError;
pub use planner::{Parts, Planner, Submitted};
pub use rejected::rejected;
