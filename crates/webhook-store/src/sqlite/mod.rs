//! The store in one SQLite file: for one sender process, and no server.
//!
//! # What it promises
//!
//! - What was answered is on the disk: the log is synced before the answer (`synchronous=FULL`).
//!   Calls that arrive together share one sync.
//! - One process has the file. A second one is told so; one that was killed is not in the way.
//! - A long listing delays no delivery: reads have a thread and a connection of their own.
//!
//! # How
//!
//! All writes are [`job`]s of one thread, the [`writer`]. It takes every job that waits, runs them
//! in one transaction, each in a savepoint, commits once, and then answers them all. Work without
//! a bound (a replay, the deletion of an endpoint) is done in steps between which others get
//! their turn.
//!
//! What is in flight, under which lease, is only kept in memory, in the [`queue`]: on the disk it
//! is pending until its outcome is written. So a claim writes nothing, and what a predecessor had
//! in flight is due again as soon as the file is opened.
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
mod checkpoint;
mod claim;
mod claim_guard;
mod complete;
mod endpoints;
mod fault;
mod job;
mod lease;
mod list;
mod lock;
mod lookup;
mod open;
mod open_error;
mod page;
mod plan;
mod prune;
mod queue;
mod reader;
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
