//! The pages, in a real browser and over the wire.

mod browser;
mod document;
mod forms;
mod keyboard;
mod look;
mod markup;
mod plain;
mod portal;
mod reading;
#[path = "../service/sender.rs"]
#[expect(dead_code, reason = "it is shared with the tests of the service")]
mod sender;
mod sessions;
mod trial;
mod visits;
mod world;
mod writing;
