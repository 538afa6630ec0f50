//! The service as a whole: real processes, real stores, real sockets.

mod api;
mod bodies;
mod broken_file;
mod commands;
mod crash;
mod isolation;
mod life;
mod publisher;
mod receiver;
mod seed;
mod sender;
mod signals;
