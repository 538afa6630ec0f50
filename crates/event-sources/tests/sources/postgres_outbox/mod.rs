//! Guarantees of an outbox besides the contract of every source.

mod content;
mod ddl;
mod invalid;
mod reading;
mod takeover;
mod world;
