//! The store in one SQLite file, for one sender process without a server.
//!
//! # Guarantees
//!
//! - The effect of a call that returned is on the disk: the log is synced before the call returns
//!   (`synchronous=FULL`). Concurrent calls share one sync.
//! - Counts of outcomes are the exception: they are written up to a second later (`unwritten`).
//! - One process has the file. A second one gets [`OpenError::InUse`]; the lock of a killed process
//!   is released by the system.
//! - A long listing delays no delivery: reads have a thread and a connection of their own.
//!
//! # Design
//!
//! All writes are [`job`]s of one thread, the [`writer`]. It takes every waiting job, runs them in
//! one transaction, each in a savepoint, commits once, and then returns all results. Unbounded work
//! (a replay, the deletion of an endpoint) runs in steps, between which other jobs run.
//!
//! Deliveries in flight and their leases are kept in memory only, in the [`queue`]: on the disk
//! they are pending until their outcome is written. A claim therefore writes nothing, and
//! deliveries that an earlier process had in flight are due as soon as the file is opened.
//!
//! Rows have keys in the order of their creation, so that all indexes but one grow at their ends. The
//! one of [`ids`], which are hashes, is kept in memory for new rows and written many rows at a time.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use webhook_store::{Queries, sqlite::SqliteStore};
//!
//! let store = SqliteStore::open("sender.db".as_ref())?;
//! store.ping().await?;
//! # Ok(())
//! # }
//! ```

mod accept;
mod access;
mod access_keys;
mod access_sessions;
mod attempts;
mod audit;
mod candidates;
mod checkpoint;
mod claim;
mod claim_guard;
mod complete;
mod delete;
mod endpoints;
mod erase;
mod events;
mod fault;
mod ids;
mod interface;
mod job;
mod lease;
mod list;
mod lock;
mod lookup;
mod open;
mod open_error;
mod outcome_counts;
mod page;
mod plan;
mod prune;
mod queue;
mod reader;
mod recent_attempts;
mod rejected;
mod replay;
mod rewind;
mod row;
mod search;
mod store;
mod sweep;
mod tenants;
mod writer;

pub use open_error::OpenError;
pub use store::SqliteStore;
