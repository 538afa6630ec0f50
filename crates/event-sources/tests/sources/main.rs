//! Sources against real servers.

mod contract;
mod recorder;
mod redis_streams;
