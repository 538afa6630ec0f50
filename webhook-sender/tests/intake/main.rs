//! The intake against a real `redis-server`.

mod group;
mod handover;
mod loss;
mod poison;
mod room;
mod unreadable;
mod world;
