//! Where everything that must not be lost is kept.
//!
//! One interface in four parts ([`Leases`], [`Tenants`], [`Queue`], [`Queries`]), two stores: [`sqlite`] for one process and no server, [`redis`] for any number of
//! processes. Both pass the same contract tests (`tests/store/`).
//!
//! # What a store promises
//!
//! - What a call has answered is durable: as far as the engine is set to make it so.
//! - [`Queue::plan`] of an event that is known changes nothing, and reports an id that is known with
//!   another type or other data.
//! - A delivery in flight belongs to one claim: an [`Owner`](webhook_model::Owner) and a [`Fence`]. It is given back only
//!   once the owner's lease has run out, by another owner; from then on the outcome of that claim is
//!   refused (fenced).
//! - Recording an outcome a second time changes nothing, whatever has become of the delivery since.
//! - A store that is full or read-only refuses calls as a whole: nothing of a call is kept, and no
//!   clean-up goes ahead whose counterpart cannot be written.
//! - Of an `ordered` endpoint's deliveries with one ordering key at most one is due or in flight;
//!   the next in the order of planning becomes due when it has succeeded or is dead, though not
//!   before its own time.
//! - One tenant's calls never see another's data.
//!
//! # Words
//!
//! To *plan* is to make deliveries of an event. To *claim* is to take due deliveries into flight.
//! To *complete* is to record what came of an attempt. To *release* is to give back what was
//! claimed and not tried. To *bury* is to make a dead letter. To *replay* is to make it due again.

mod batch;
mod error;
mod fence;
mod interface;
mod lease;
mod page;
pub mod redis;
pub mod sqlite;

pub use batch::{
    Acceptance, AcceptedEvent, Claim, ClaimRequest, DueEndpoint, InitialState, NewDelivery,
    NextState, Outcome, PLANNING_BYTES, PlanBatch, PlanResult, Planned, PlannedEvent,
};
pub(crate) use error::Result;
pub use error::StoreError;
pub use fence::Fence;
pub use interface::{IDEMPOTENCY, Leases, Queries, Queue, Store, Tenants};
pub use lease::Lease;
pub use page::{Cursor, DeliveryFilter, Depth, PAGE_BYTES, Page, RejectedFilter};
