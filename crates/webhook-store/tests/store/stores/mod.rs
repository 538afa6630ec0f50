//! The stores that the contract tests run on.

pub mod postgres;
pub mod redis;
pub mod sqlite;
