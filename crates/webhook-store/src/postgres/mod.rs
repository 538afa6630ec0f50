//! The store in PostgreSQL 14 or later: for any number of sender processes.
//!
//! # Guarantees
//!
//! - Every change is one transaction. A call that returned is as durable as `synchronous_commit` of
//!   the server makes it, which the store leaves as it is.
//! - Counts of outcomes are the exception: they are written up to a second later (`unwritten`).
//! - A call that fails in any way leaves no unknown delivery in flight (see `in_flight`).
//! - A deadlock or a serialization failure repeats the call. Anything else that keeps the server from
//!   its work (a lost connection, a restart, a full disk, a read-only standby, no free connection) is
//!   [`StoreError::Unavailable`](super::StoreError::Unavailable), with the server's error text;
//!   connections are restored automatically.
//! - Each connection and each statement has a deadline, here and on the server.
//! - The constraints of the tables (`migrations/`) reject states that no call may produce, such as two
//!   deliveries of an ordering group in flight.
//!
//! # Locks
//!
//! | row | shared by | held alone by |
//! |---|---|---|
//! | tenant | plans, acceptances | changes of its endpoints, changes of ordering groups |
//! | owner | claims, plans that claim | the end of its lease |
//! | endpoint | outcomes that are due again | its deletion |
//!
//! Claims skip rows that are locked. The outcomes of one call are written first, and the ordering
//! groups that they advance are locked afterwards, by tenant; each statement sees what was committed
//! before it began, so that the last one sees deliveries that were planned meanwhile.
//!
//! # Outboxes
//!
//! Rows of an outbox table in this database ([`OutboxTable`]) are deleted in the transaction that keeps
//! their events. A row that another transaction has locked is skipped: its source deletes it later.
//!
//! # Leases
//!
//! An owner's lease is a row of `owners`, renewed by one write for any number of deliveries, and timed
//! by the server's clock. A delivery in flight names its owner and its claim. An expired lease is
//! deleted by another process, and its deliveries are due again; its own owner never deletes it.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use webhook_store::Queries;
//! use webhook_store::postgres::{Address, PostgresStore};
//!
//! let address = Address::parse("postgres://sender:PASSWORD@localhost/sender")?;
//! let store = PostgresStore::open(address).await?;
//! store.ping().await?;
//! # Ok(())
//! # }
//! ```

mod accept;
mod access_keys;
mod access_sessions;
mod attempts;
mod audit;
mod claim;
mod complete;
mod connect;
mod due;
mod endpoints;
mod erase;
mod events;
mod fault;
mod identity;
mod interface;
mod known;
mod list;
mod mark;
mod migrate;
mod new_deliveries;
mod open_error;
mod ordering;
mod outbox;
mod outcome_counts;
mod owners;
mod plan;
mod plan_events;
mod plan_once;
mod prune;
mod prune_cursor;
mod recover;
mod rejected;
mod replay;
mod rewind;
mod row;
mod search;
mod session;
mod store;
mod tenants;
mod wake;

pub use migrate::{SchemaVersion, check, migrate};
pub use open_error::OpenError;
pub use outbox::OutboxTable;
pub use postgres_link::{Address, AddressError, ConnectError};
pub use store::PostgresStore;
