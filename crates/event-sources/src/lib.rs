//! Takes events from a Redis stream, as one consumer group of any number of sender processes.
//!
//! # Guarantees
//!
//! - An entry is acknowledged only after the [`Sink`] has returned that it is durable: accepted, planned
//!   or rejected. If a process is killed before that, the entry is read again.
//! - The backlog is read: the group begins with the oldest entry of the stream. A group that is lost
//!   (flush, failover) is created again and begins with the oldest entry; entries that are already in
//!   the store change nothing.
//! - A tenant's entries are passed to the sink in the order of the stream. One process reads at a time.
//!   Before it reads new entries, it claims all pending entries of the group.
//! - A tenant whose part of the store is out of reach delays no other tenant, as long as its entries do
//!   not fill the memory of the reader.
//! - An entry that was read before is marked as redelivered: the sink runs no filter or transform for it
//!   before it is durable. An invalid entry is rejected with a reason.
//! - Memory is bounded in bytes, however large entries are, and no more of an entry is read than an
//!   event may have.
//! - A stream that is removed and created again counts as another stream, even if entry ids repeat.
//! - No more entries are read than the sink has capacity for. A reader whose sink has no capacity lets
//!   another process read, once its own entries are durable.
//!
//! # An entry
//!
//! | field | |
//! |---|---|
//! | `tenant` | required |
//! | `type` | required: segments between full stops |
//! | `data` | required: JSON, up to [`Settings::max_data_bytes`] |
//! | `id` | optional; default: derived from stream, incarnation and entry, for example `events_9f86d081884c7d65_1763812800000-0` |
//! | `timestamp` | optional: RFC 3339 or Unix seconds; default: the time at which it was read |
//! | `ordering_key` | optional |
//!
//! Other fields are ignored. An invalid entry becomes a
//! [`Rejected`](webhook_model::Rejected) with the code `no-tenant`, `bad-tenant`, `no-type`, `no-data`,
//! or one of [`EventError::code`](webhook_model::EventError::code).
//!
//! # The reader's lease
//!
//! A key beside the stream names the reader, which renews it. A reader that stops or has no capacity
//! releases the key and wakes a process that waits for it. A reader that was killed is replaced at once
//! by a process on the same machine, and elsewhere after [`Settings::lease`]. A reader that was frozen
//! for longer than its lease, right after requesting entries, may plan those after later ones. This is
//! the only case in which the order of the stream is not kept.

mod acceptor;
mod entry;
mod origin;
mod outstanding;
mod reader;
mod reader_lease;
mod session;
mod settings;
mod sink;
mod stats;
mod stream;

pub use reader::Intake;
pub use settings::Settings;
pub use sink::{Sink, SinkError, StreamEntry};
pub use stats::{Snapshot, Stats};
