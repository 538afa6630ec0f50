//! Delivers events as signed webhooks, at least once, and accounts for every delivery.
//!
//! The way of an event, module by module:
//!
//! ```text
//! intake ─┐                                     ┌─▶ client ─▶ receiver
//! api ────┴▶ plan ─▶ store ─▶ deliver ──────────┤
//!             ▲        ▲         │              │
//!          registry    └─────────┴── complete ◀─┘
//! ```

#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod api;
pub mod cli;
pub mod client;
pub mod config;
pub mod deliver;
mod handshake;
pub mod intake;
pub mod lease;
pub mod metrics;
pub mod model;
pub mod plan;
pub mod registry;
mod service;
mod standing;
pub mod store;
