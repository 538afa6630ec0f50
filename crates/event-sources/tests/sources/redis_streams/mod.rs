//! Redis Streams against a real `redis-server`.

mod capacity;
mod group;
mod handover;
mod identity;
mod invalid;
mod large;
mod loss;
mod outage;
mod world;
