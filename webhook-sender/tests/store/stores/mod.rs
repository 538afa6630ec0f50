//! The stores that are held to the contract.

pub mod sqlite;
