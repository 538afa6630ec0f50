//! Sources against real servers.

mod contract;
mod postgres_outbox;
mod recorder;
mod redis_streams;
