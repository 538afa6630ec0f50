//! The configuration: a folder of files, the endpoints of the API, and how a store follows a file.

mod apply;
mod files;
mod handshakes;
mod near_misses;
mod removal;
mod scale;
mod spec;
mod world;
