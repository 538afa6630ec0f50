//! The service as a whole: real processes, real stores, real sockets.

mod api;
mod bodies;
mod broken_file;
mod commands;
mod content;
mod crash;
mod isolation;
mod large;
mod life;
mod logging;
mod publisher;
mod receiver;
mod rejected;
mod seed;
mod sender;
mod signals;
