//! Delivers events as signed webhooks, at least once, and records every delivery.
//!
//! The path of an event through the modules of this crate and the crates that they use:
//!
//! ```text
//! event-sources ─┐                                  ┌─▶ webhook-client ─▶ receiver
//! api ───────────┴▶ plan ─▶ webhook-store ─▶ deliver ┤
//!                    ▲            ▲            │     │
//!                 registry        └────────────┴── complete ◀─┘
//! ```

#![cfg_attr(not(test), deny(clippy::disallowed_macros, clippy::disallowed_methods))]
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod api;
pub mod audit;
mod background;
pub mod cli;
pub mod config;
pub mod deliver;
pub mod endpoint_health;
pub mod feed;
mod handshake;
pub mod keys;
pub mod metrics;
pub mod pages;
pub mod plan;
pub mod registry;
mod service;
