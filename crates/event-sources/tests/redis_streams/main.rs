//! The intake against a real `redis-server`.

mod group;
mod handover;
mod identity;
mod large;
mod loss;
mod poison;
mod room;
mod slow;
mod unreadable;
mod world;
