//! One delivery and many, from the claim to the record.

#[path = "../delivery_support/mod.rs"]
mod support;

mod dispatch;
mod faults;
mod outcomes;
mod request;
