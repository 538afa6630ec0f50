//! Turns events into durable deliveries.
//!
//! An event is checked ([`RawEvent::check`](webhook_model::RawEvent::check)), matched against its
//! tenant's endpoints, filtered and transformed for each, and stored with its deliveries in one
//! step. Guarantees:
//!
//! - When [`Planner::submit`] or [`Planner::plan`] returns, the event is durable. It is planned
//!   with its deliveries if its tenant's programs are quick, and accepted otherwise.
//!   [`BacklogPlanner`] plans accepted events in the order of acceptance within each tenant,
//!   without delaying other tenants.
//! - An event whose planning ends the process is tried alone the next time, and rejected as
//!   `poison` after a number of tries.
//! - An event that is already known changes nothing. The id of a delivery derives from the ids of
//!   the event and the endpoint, so planning twice has the effect of planning once.
//! - A filter or transform that fails makes that one delivery a dead letter, with the reason.
//! - No program of a tenant stops the sender: expressions and components run within bounds, and
//!   outside the async threads if they may take long.
//! - A delivery starts without a round trip through the queue if its endpoint has a free permit.

mod backlog;
mod batches;
mod dispatch_port;
mod error;
mod kept;
mod plan_batch;
mod planner;
mod preview;
mod publish;
mod rejected;
mod reservations;
mod signals;
mod single_attempt;
mod uncertain_claims;
mod waiting;
mod work;

pub use backlog::{BacklogPlanner, BacklogStats};
pub use dispatch_port::{DispatchPort, ReservedPermit};
pub use error::PlanError;
pub use kept::Submitted;
pub use planner::{Parts, Planner};
pub use preview::{PreviewOutcome, Previewed, Previewing, preview};
pub use rejected::rejected;
pub use single_attempt::{SingleAttempt, SingleRefusal};
