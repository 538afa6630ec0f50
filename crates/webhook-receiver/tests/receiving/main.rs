//! Processing, rejection and deduplication of deliveries.

#![cfg(not(target_family = "wasm"))]

mod claims;
mod deliveries;
mod failures;
mod keys;
#[path = "../platform/mod.rs"]
mod platform;
mod registrations;
mod retention;
