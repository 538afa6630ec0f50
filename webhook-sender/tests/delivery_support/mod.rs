//! Helpers of the tests of delivery.

#![allow(
    dead_code,
    unused_imports,
    reason = "each test target uses a part of it"
)]

mod fake_store;
mod faults;
mod row;
mod world;

pub use fake_store::FakeStore;
pub use row::{Row, State};
pub use world::{SECRET, Setup, World, endpoint, loopback, schedule};
