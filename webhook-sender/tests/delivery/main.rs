//! One delivery and many, from the claim to the record.

#[path = "../delivery_support/mod.rs"]
mod support;

mod connections;
mod dispatch;
mod faults;
mod http2;
mod http2_odd;
mod outcomes;
mod request;
