//! The contract tests by topic.

pub mod accept;
pub mod access_keys;
pub mod audit;
pub mod claim;
pub mod complete;
pub mod endpoints;
pub mod erase;
pub mod event_pages;
pub mod events;
pub mod inspection;
pub mod known_events;
pub mod leases;
pub mod list;
pub mod list_pages;
pub mod maintenance;
pub mod model;
pub mod order;
pub mod plan;
pub mod rejected;
pub mod replay;
pub mod sessions;
pub mod statistics;
pub mod tenants;
