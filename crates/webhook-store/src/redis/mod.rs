//! The store in Redis 6.2 or later, or Valkey: for any number of sender processes.
//!
//! # Guarantees
//!
//! - Every change is one script that touches the keys of one tenant. It is therefore atomic, and a
//!   cluster may place each tenant on any node.
//! - The effect of a call that returned is as durable as the server's configuration makes it: with
//!   `appendfsync everysec` a crash of the machine loses up to a second, with `always` nothing. An
//!   asynchronous failover may lose writes that the replica had not received.
//! - Counts of outcomes are the exception: they are written up to a second later (`unwritten`).
//! - A call that fails in any way leaves no unknown delivery in flight (see `in_flight`).
//! - A script's first write is one that a full server rejects, unless the script only frees memory.
//!   Redis rejects no later write of a script, so such a script runs whole or fails before it has
//!   changed anything.
//! - A lost connection is restored automatically. A server that is loading, full, read-only or
//!   unreachable is [`StoreError::Unavailable`](super::StoreError::Unavailable), with the server's
//!   error text.
//!
//! # Keys
//!
//! Of a tenant, all with the prefix `ws:{tenant}:` and therefore in one slot:
//!
//! | key | type | content |
//! |---|---|---|
//! | `t` | hash | `:v`: version of the endpoints; else endpoint → version and JSON |
//! | `off` | set | disabled endpoints |
//! | `e:<event>` | string | an event (`event_record.rs`) |
//! | `d:<delivery>` | string | a delivery (`record.rs`) |
//! | `b:<delivery>` | string | its body, if a transform rendered one |
//! | `q:<endpoint>` | sorted set | pending deliveries by due time |
//! | `r` | sorted set | enabled endpoints by their earliest due time |
//! | `l:<incarnation>` | set | deliveries that an owner has in flight |
//! | `o` | set | owners that may have deliveries in flight |
//! | `ns:<endpoint>` | hash | ordering group → its current delivery, due or in flight |
//! | `n:<endpoint>:<group>` | sorted set | the waiting deliveries of the group, in the order of planning |
//! | `k`, `h` | numbers | the last position in that order; the number of waiting deliveries |
//! | `i` | set | endpoints that have deliveries |
//! | `a` | list | accepted events in the order of acceptance |
//! | `ea`, `ep` | sorted sets | accepted events, and planned ones, by their time of acceptance |
//! | `at` | hash | accepted event → number of plannings that began |
//! | `p` | string | the owner that plans them |
//! | `c:<endpoint>`, `z:<endpoint>`, `f:<endpoint>` | sorted sets | deliveries by creation: all, dead ones, and those whose last attempt failed |
//! | `fs` | number | the score from which on deliveries are in `f:<endpoint>`: an earlier version had none |
//! | `s`, `x` | lists | succeeded and dead deliveries, by the time they ended |
//! | `w` | sorted set | events without deliveries, by the time of planning |
//! | `om:<endpoint>:<slot>`, `oh:<endpoint>:<slot>` | hashes | outcomes by minute and by hour, in slots that are used in turn |
//! | `om::<slot>`, `oh::<slot>` | hashes | the same for the tenant, without durations |
//! | `la:<endpoint>` | list | its last attempts (`recent_attempts.rs`), those of each process with the oldest first |
//! | `os` | set | endpoints that have outcomes; the empty name for the tenant |
//! | `g`, `gone` | set, string | endpoints, or the tenant, whose remaining data is being deleted |
//!
//! Shared by all tenants, with the prefix `ws:{*}:`: `t` (tenants and versions), `v`, `due` (tenants
//! by their earliest due time), `a` (tenants that may have accepted events), `o` and `n` (owners by
//! incarnation and by name), `r…` (rejected events), `key…` (access keys), `ses…` (sessions), `aud…`
//! (audit entries), `id` (the identity of the content), `wake` (a
//! channel) and `ping`.
//!
//! A tenant's own keys are authoritative. The shared keys hold hints about tenants, because no script
//! can change both atomically. Hints may be late, but no work is missed for good:
//! [`Leases::recover`](crate::Leases::recover) checks every tenant.
//!
//! # Leases
//!
//! An owner's lease is one entry of `o`, renewed by one write for any number of deliveries, and timed
//! by the server's clock. Other owners remove an entry that has expired; its own owner never does. An
//! owner without an entry has no lease, and never gets another one under that incarnation. Each
//! tenant lists the owners that may have its deliveries in flight. Recovery reads those lists first
//! and the entries afterwards, so that it does not mistake a new owner for a dead one, and finds the
//! claims that an owner made after it had lost its lease.
//!
//! No key has a time to live: no clock can delete data.

mod accept;
mod access_keys;
mod access_sessions;
mod audit;
mod claim;
mod complete;
mod due;
mod encoding;
mod endpoint_stats;
mod endpoints;
mod erase;
mod event_record;
mod events;
mod eviction;
mod identity;
mod interface;
mod keys;
mod list;
mod lookup;
mod merge;
mod owners;
mod plan;
mod plan_call;
mod positions;
mod prune;
mod record;
mod recover;
mod rejected;
mod replay;
mod rewind;
mod scores;
mod scripts;
mod store;
mod tenants;
mod wake;

pub use store::RedisStore;
