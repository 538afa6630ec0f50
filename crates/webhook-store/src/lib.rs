//! The durable store of tenants, endpoints, events and deliveries.
//!
//! One interface in six parts ([`Leases`], [`Tenants`], [`Queue`], [`Queries`], [`Keys`], [`Audit`]) has
//! three engines: [`sqlite`] for one process without a server, and [`postgres`] and [`redis`] for any number of
//! processes. All pass the same contract tests (`tests/store/`).
//!
//! # Guarantees
//!
//! - The effect of a call that returned is durable, as far as the engine is configured for it.
//! - [`Queue::plan`] of a known event changes nothing, and reports a known id that comes with
//!   another type or other data.
//! - A delivery in flight belongs to one claim: an [`Owner`](webhook_model::Owner) and a [`Fence`].
//!   Another owner may return it to the queue once the lease of its owner has expired; from then
//!   on the store rejects the outcome of that claim (it is fenced).
//! - Recording an outcome a second time changes nothing, whatever has happened to the delivery
//!   since.
//! - A store that is full or read-only rejects a call as a whole: it keeps no part of the call, and
//!   runs no clean-up whose counterpart cannot be written.
//! - Of an `ordered` endpoint's deliveries with one ordering key, at most one is due or in flight.
//!   The next one, in the order of planning, becomes due when that one has succeeded or is dead,
//!   but not before its own due time.
//! - Calls of one tenant never see data of another.
//!
//! # Terms
//!
//! To *plan* is to create the deliveries of an event. To *claim* is to take due deliveries into
//! flight. To *complete* is to record the outcome of an attempt. To *release* is to return a claim
//! that was not attempted. To *bury* is to create a dead letter. To *replay* is to make a delivery
//! due again.

#![cfg_attr(not(test), deny(clippy::disallowed_macros))]

mod access;
mod batch;
mod endpoint_stats;
mod erasure;
mod error;
mod event_list;
mod fence;
mod in_flight;
mod interface;
mod lease;
mod page;
pub mod postgres;
mod recent_attempts;
pub mod redis;
pub mod sqlite;
mod status_filter;
mod unwritten;

pub use batch::{
    Acceptance, AcceptedEvent, Claim, ClaimRequest, DueEndpoint, InitialState, NewDelivery,
    NextState, Outcome, PLANNING_BYTES, PlanBatch, PlanResult, Planned, PlannedEvent, ReplayBodies,
};
pub use endpoint_stats::{
    Counters, EndpointStats, HOURS_KEPT, Histogram, Interval, MAX_COUNTED, MINUTES_KEPT,
};
pub use erasure::Erased;
pub(crate) use error::Result;
pub use error::StoreError;
pub use event_list::{EventDetails, EventFilter, EventSummary, ListedEvent, MAX_EXAMINED};
pub use fence::Fence;
pub use interface::{
    Audit, AuditFilter, EndpointPut, IDEMPOTENCY, KeyAddition, Keys, Leases, MAX_AUDIT_ENTRIES,
    MAX_KEYS, MAX_PORTAL_SESSIONS, Queries, Queue, Sessions, Store, Tenants,
};
pub use lease::Lease;
pub use page::{CountedPart, Cursor, DeliveryFilter, Depth, PAGE_BYTES, Page, RejectedFilter};
pub use recent_attempts::{MAX_RECENT, RecentAttempt};
pub use status_filter::{StatusFilter, StatusFilterError};
