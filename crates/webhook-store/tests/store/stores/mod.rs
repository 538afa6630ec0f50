//! The stores that the contract tests run on.

pub mod redis;
pub mod sqlite;
