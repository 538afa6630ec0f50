//! The service as a whole: real processes, real stores, real sockets.

mod api;
mod authority;
mod commands;
mod crash;
mod descriptors;
mod handshake;
mod isolation;
mod life;
mod publisher;
mod receiver;
mod seed;
mod sender;
#[allow(dead_code, reason = "shared with the tests of delivery")]
#[path = "../delivery_support/tls.rs"]
mod tls;
