//! The built component, run in a host that gives it nothing.

mod hmac;
mod instance;
mod interface;
mod signatures;
