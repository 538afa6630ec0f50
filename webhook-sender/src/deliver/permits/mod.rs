//! Permits for attempts, the limits that they enforce, and the state of each endpoint.
//!
//! Nothing outside this module can release a permit except by dropping it.

mod body_budget;
mod concurrency;
mod endpoint_state;
mod permit;

pub(super) use concurrency::{Concurrency, EndpointKey};
pub(super) use endpoint_state::{AttemptReport, Refusal, Requester};
pub(super) use permit::{EndpointPermit, Permit, Permits, TotalPermits};
