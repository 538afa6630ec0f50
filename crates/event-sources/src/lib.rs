//! Takes events from message queues and streams, as one group of any number of sender processes.
//!
//! A [`Source`] reads one queue; an [`Intake`] passes its entries to a [`Sink`], and acknowledges those
//! that the sink has made durable.
//!
//! # Guarantees
//!
//! - An entry is acknowledged only after the [`Sink`] has returned that it is durable: accepted, planned
//!   or rejected. If a process is killed before that, the entry is read again.
//! - The backlog is read: a group begins with the oldest entry. A group that is lost (flush, failover) is
//!   created again and begins with the oldest entry; entries that are already in the store change
//!   nothing.
//! - A tenant's entries are passed to the sink in the order of the source, as long as one process reads.
//!   Of a Redis stream and of an outbox, one process reads at a time. Before it reads new entries of a
//!   stream, it claims all pending entries of the group.
//! - A tenant whose part of the store is out of reach delays no other tenant, as long as its entries do
//!   not fill the memory of the reader.
//! - An entry that was read before is marked as redelivered: the sink runs no filter or transform for it
//!   before it is durable. An invalid entry is rejected with a reason.
//! - Memory is bounded in bytes, across all sources of a process ([`Bounds::shared_by`]), however large
//!   entries are.
//! - A stream that is removed and created again counts as another stream, even if entry ids repeat.
//! - No more entries are read than the sink has capacity for. A reader whose sink has no capacity lets
//!   another process read, once its own entries are durable.
//! - A source that fails is connected again, with increasing delays, and stops no other source.
//!
//! # An entry
//!
//! | field | |
//! |---|---|
//! | `tenant` | required, unless the source has one |
//! | `type` | required: segments between full stops |
//! | `data` | required: JSON, up to [`Bounds::max_data_bytes`] |
//! | `id` | optional; default: derived from source, incarnation and entry, for example `events_9f86d081884c7d65_1763812800000-0` |
//! | `timestamp` | optional: RFC 3339 or Unix seconds; default: the time at which it was read |
//! | `ordering_key` | optional |
//!
//! Other fields are ignored. An invalid entry becomes a
//! [`Rejected`](webhook_model::Rejected) with the code `no-tenant`, `bad-tenant`, `no-type`, `no-data`,
//! or one of [`EventError::code`](webhook_model::EventError::code).

#![cfg_attr(not(test), deny(clippy::disallowed_macros))]

mod acceptor;
mod bounds;
mod entry;
mod intake;
pub mod kafka;
mod message;
pub mod nats;
mod origin;
mod outstanding;
pub mod postgres_outbox;
pub mod rabbitmq;
pub mod redis_streams;
mod session;
mod sink;
mod source;
mod stats;
mod unsettled;

pub use bounds::Bounds;
pub use intake::Intake;
pub use sink::{Sink, SinkError, SourceEntry};
pub use source::{Connected, Read, Room, Source, SourceError, SourceInfo};
pub use stats::{Snapshot, Stats};
