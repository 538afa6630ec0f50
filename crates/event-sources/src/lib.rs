//! Takes events from a Redis stream, as one consumer group of any number of sender processes.
//!
//! # What it promises
//!
//! - An entry is acknowledged only after the [`Sink`] has returned that it is durable: accepted, planned
//!   or rejected. Whatever is killed before that, the entry is taken again.
//! - The backlog counts: the group begins with the oldest entry of the stream. It is made again when
//!   it is gone (flush, failover), from the beginning: what was kept before changes nothing.
//! - A tenant's entries are given to the sink in the order of the stream. One process reads at a
//!   time, and before it reads on it takes what is pending of the group, its own and that of others.
//! - A tenant whose part of the store is out of reach delays no other tenant.
//! - An entry that was taken before is marked as redelivered: the sink runs no program for it before it
//!   is durable. What cannot be read is rejected with its reason.
//! - Memory is bounded by bytes: no more is taken out of the stream than there is room for, however
//!   large entries are, and of an entry no more than an event may have.
//! - A stream that is removed and made again is another one, even where its entries have the same ids.
//! - It reads no more than there is room for. Without room, and once what it has read is durable, it
//!   lets another process read.
//!
//! # An entry
//!
//! | field | |
//! |---|---|
//! | `tenant` | required |
//! | `type` | required: segments between full stops |
//! | `data` | required: JSON, up to [`Settings::max_data_bytes`] |
//! | `id` | else one derived from stream, incarnation and entry, for example `events_9f86d081884c7d65_1763812800000-0` |
//! | `timestamp` | RFC 3339 or Unix seconds, else the moment it was taken |
//! | `ordering_key` | optional |
//!
//! Other fields are left alone. What is not as it should be becomes a
//! [`Rejected`](webhook_model::Rejected) of code `no-tenant`, `bad-tenant`, `no-type`, `no-data`,
//! or one of [`EventError::code`](webhook_model::EventError::code).
//!
//! # Who reads
//!
//! A key beside the stream names the reader, for as long as it renews it. A reader that stops or has
//! no room gives the key up and wakes one that stands by; a reader that was killed is found out at
//! once on the same machine, and elsewhere after [`Settings::lease`]. A reader that was frozen for
//! longer than its lease, and had asked for entries just before, may plan those after later ones:
//! the one case in which the order of the stream is not kept.

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
pub use sink::{Sink, SinkError, Taken};
pub use stats::{Snapshot, Stats};
