//! The intake against a real `redis-server`.

mod group;
mod handover;
mod identity;
mod large;
mod loss;
mod outage;
mod room;
mod unreadable;
mod world;
