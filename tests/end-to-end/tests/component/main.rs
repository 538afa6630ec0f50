//! The compiled component, run in an empty host.

mod environments;
mod hmac;
mod instance;
mod interface;
mod signatures;
