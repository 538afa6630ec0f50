//! Delivery, from the claim to the recorded outcome.

#[path = "../delivery_support/mod.rs"]
mod support;

mod dispatch;
mod faults;
mod outcomes;
mod permits;
mod request;
