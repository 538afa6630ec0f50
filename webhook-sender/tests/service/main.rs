//! The service as a whole: real processes, real stores, real sockets.

mod api;
mod api_access;
mod api_components;
mod api_connections;
mod api_events;
mod api_secrets;
mod api_world;
mod authority;
mod bodies;
mod broken_file;
mod commands;
mod content;
mod crash;
mod descriptors;
mod handshake;
mod isolation;
mod large;
mod life;
mod logging;
mod openapi;
mod publisher;
mod receiver;
mod rejected;
mod seed;
mod sender;
mod signals;
