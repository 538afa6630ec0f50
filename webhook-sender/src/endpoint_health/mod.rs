//! The health of endpoints: which ones are failing, have recovered, or must be disabled.
//!
//! A [`FailureTracker`] derives [`HealthChange`]s from the attempts of one endpoint. A task reports
//! them, in order, to a [`HealthObserver`]; the sender's is the [`HealthRecorder`], which writes them
//! to the store and publishes the operational event of a disabled endpoint.

mod failure_tracker;
mod observer;
mod recorder;

pub(crate) use failure_tracker::{FailureTracker, HealthChange};
pub use observer::HealthObserver;
pub(crate) use observer::{EndpointHealthChange, report};
pub use recorder::HealthRecorder;
