//! The service as a whole: real processes, real stores, real sockets.

mod api;
mod commands;
mod crash;
mod life;
mod publisher;
mod receiver;
mod seed;
mod sender;
