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

pub mod deliver;
pub mod model;
pub mod registry;
pub mod store;
