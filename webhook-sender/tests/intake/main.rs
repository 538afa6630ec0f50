//! The intake against a real `redis-server`.

mod group;
mod handover;
mod loss;
mod poison;
mod room;
mod slow;
mod unreadable;
mod world;
