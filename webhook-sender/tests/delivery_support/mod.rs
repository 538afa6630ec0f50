//! What the tests of delivery share.

#![allow(
    dead_code,
    unused_imports,
    reason = "each test target uses a part of it"
)]

mod fake_store;
#[path = "../nouns/mod.rs"]
mod nouns;
pub mod raw_http2;
mod raw_receiver;
pub mod tls;
mod world;

pub use fake_store::{FakeStore, Row, State};
pub use raw_receiver::RawReceiver;
pub use world::{SECRET, Setup, World, endpoint, loopback, schedule};
