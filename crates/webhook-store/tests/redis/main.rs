//! Tests of the Redis store beyond the contract of all stores: lost connections, restarted and full
//! servers, and other processes.

mod cluster;
mod counts;
mod events;
mod failed;
mod full;
mod lease;
mod permissions;
mod processes;
mod servers;
mod speed;
mod world;
