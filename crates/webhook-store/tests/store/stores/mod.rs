//! The stores that are held to the contract.

pub mod redis;
pub mod sqlite;
