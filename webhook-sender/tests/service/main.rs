//! The service as a whole: real processes, real stores, real sockets.

mod api;
mod api_access;
mod api_components;
mod api_connections;
mod api_events;
mod api_secrets;
mod api_world;
mod commands;
mod crash;
mod isolation;
mod life;
mod openapi;
mod publisher;
mod receiver;
mod seed;
mod sender;
