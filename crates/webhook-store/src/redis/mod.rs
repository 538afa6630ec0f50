//! The store in Redis 6.2 or later, or Valkey: for any number of sender processes.
//!
//! # What it promises
//!
//! - Every change is one script that touches the keys of one tenant, so it happens whole or not at
//!   all, and a cluster can hold the tenants wherever it likes.
//! - What was answered is as durable as the server is set to make it: with `appendfsync everysec` a
//!   crash of the machine loses up to a second, with `always` nothing; an asynchronous failover may
//!   lose what the replica had not yet got.
//! - A call that fails, however it does, leaves nothing in flight that nobody knows of (see `held`).
//! - A script's first write is one that a full server refuses, unless the script only frees memory:
//!   Redis refuses no write of a script behind its first, so such a script happens whole or fails
//!   before it has changed anything.
//! - A lost connection comes back by itself; a server that is loading, full, read-only or out of
//!   reach is [`StoreError::Unavailable`](super::StoreError::Unavailable), with its own words.
//!
//! # Keys
//!
//! Of a tenant, all behind `ws:{tenant}:` and so in one slot:
//!
//! | key | type | what |
//! |---|---|---|
//! | `t` | hash | `:v`: version of the endpoints; else endpoint → version and JSON |
//! | `off` | set | disabled endpoints |
//! | `e:<event>` | string | an event (`record.rs`) |
//! | `d:<delivery>` | string | a delivery (`record.rs`) |
//! | `b:<delivery>` | string | its body, where a transform made one |
//! | `q:<endpoint>` | sorted set | what is pending, by the moment it is due |
//! | `r` | sorted set | enabled endpoints by their earliest due moment |
//! | `l:<incarnation>` | set | what an owner has in flight |
//! | `o` | set | owners that may have something in flight |
//! | `ns:<endpoint>` | hash | ordered deliveries: lane → which has its turn, due or in flight |
//! | `n:<endpoint>:<ordering_group>` | sorted set | those that wait for it, in the order of planning |
//! | `k`, `h` | numbers | the last place in that order; how many wait |
//! | `i` | set | endpoints that have deliveries |
//! | `a` | list | accepted events in the order of their acceptance |
//! | `at` | hash | of those, how often planning began |
//! | `p` | string | the owner that plans them |
//! | `c:<endpoint>`, `z:<endpoint>` | sorted sets | its deliveries by creation: all, and the dead |
//! | `s`, `x` | lists | what succeeded and what died, by when it did |
//! | `w` | sorted set | events without deliveries, by when they were planned |
//! | `g`, `gone` | set, string | endpoints, or the tenant, while what they have left is removed |
//!
//! Of all, behind `ws:{*}:`: `t` (tenants and versions), `v`, `due` (tenants by their earliest due
//! moment), `a` (tenants that may have accepted events), `o` and `n` (owners by incarnation and by name), `r…` (rejected events), `id` (the
//! identity of the content), `wake` (a channel) and `ping`.
//!
//! A tenant's keys are the truth about it. What the shared ones say of tenants are hints, because
//! no script can change both at once: they may be behind, never for long, and never so that work is
//! overlooked for good: [`Leases::recover`](crate::Leases::recover) looks at every tenant.
//!
//! # Leases
//!
//! An owner's lease is one entry under `o`, renewed in one step whatever is in flight, and timed by
//! the server's clock. Others take an entry out once it has run out, its owner never does. An owner
//! without an entry has no lease, and never gets one again under that incarnation. Each tenant knows the owners
//! that may have something of it in flight; recovery reads those first and their entries afterwards,
//! so it never takes a newcomer for a dead one, and finds what an owner took after it had lost its
//! lease.
//!
//! Nothing has a time to live: no key goes because of a clock.

mod accept;
mod claim;
mod complete;
mod due;
mod endpoints;
mod eviction;
mod identity;
mod in_flight;
mod keys;
mod list;
mod lookup;
mod owners;
mod plan;
mod record;
mod recover;
mod rejected;
mod replay;
mod rewind;
mod scripts;
mod store;
mod tenants;
mod upkeep;
mod wake;

pub use store::RedisStore;
