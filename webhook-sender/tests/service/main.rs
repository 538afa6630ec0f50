//! The service as a whole: real processes, real stores, real sockets.

mod api;
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
