//! Deliveries go where the policy lets them, however an address is spelt and whatever a name
//! resolves to.

#[path = "../delivery_support/mod.rs"]
mod support;

mod connect;
mod rebinding;
mod spellings;
