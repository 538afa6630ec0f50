//! What the Redis store promises beyond the contract of all stores: what a lost connection, a
//! restarted or refusing server, and other processes do to it.

mod cluster;
mod full;
mod lease;
mod permissions;
mod processes;
mod servers;
mod speed;
mod world;
