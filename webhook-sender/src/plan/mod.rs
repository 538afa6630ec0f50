//! From an event to durable deliveries.
//!
//! An event is checked ([`RawEvent::check`](webhook_model::RawEvent::check)), matched against its tenant's endpoints, filtered and
//! transformed for each, and kept with its deliveries in one step. What it promises:
//!
//! - When [`Planner::submit`] or [`Planner::plan`] answers, the event and its deliveries are durable.
//! - An event that is known already changes nothing. The ids of deliveries derive from the event's
//!   and the endpoint's, so planning twice is planning once.
//! - A filter or transform that fails makes a dead letter of that one delivery, with the reason.
//! - Nothing that a tenant writes stops the sender: expressions and components run within bounds,
//!   and away from the async threads where they may take long.
//! - A delivery starts without a detour through the queue where its endpoint has a place free.

mod dispatch_port;
mod error;
mod places;
mod planner;
mod settle;
mod work;

pub use dispatch_port::DispatchPort;
pub use error::PlanError;
pub use planner::{Parts, Planner, Submitted};
