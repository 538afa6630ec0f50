//! File descriptors: as many as the system allows, and no more connections than they are enough for.
//!
//! Each attempt holds one, and so does each idle connection. What is left is for the API, the store,
//! the stream and files, so that a crowd of slow receivers never takes those away.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use webhook_client::MAX_IDLE;

/// The most descriptors that are left for all but receivers, and the part of a low limit.
const RESERVED: usize = 512;
const RESERVED_PART: usize = 4;

/// The part of the receivers' descriptors that idle connections may hold.
const IDLE_PART: usize = 3;

/// Raises the limit of this process to the highest that it may set itself.
pub fn raise_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => tracing::info!(before = current, limit = limit(), "file descriptors"),
        Err(error) => {
            let limit = limit();
            tracing::warn!(%error, limit, "file descriptors: the limit cannot be raised");
        }
    }
}

/// Returns as many of `wanted` attempts at a time as there are descriptors for.
pub fn places(wanted: usize) -> usize {
    Budget::of(limit()).attempts.min(wanted)
}

/// Logs where there are descriptors for fewer attempts than are wanted.
pub fn log_bound(wanted: usize) {
    let (places, limit) = (places(wanted), limit());
    if places < wanted {
        tracing::warn!(
            places,
            wanted,
            limit,
            "delivery.places is bounded by the limit of file descriptors"
        );
    }
}

/// Returns how many idle connections there are descriptors for.
pub fn idle_connections() -> usize {
    Budget::of(limit()).idle
}

/// The limit that holds; without one as many as can be counted.
fn limit() -> usize {
    let current = getrlimit(Resource::Nofile).current;
    current.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    })
}

#[derive(Debug, PartialEq, Eq)]
struct Budget {
    attempts: usize,
    idle: usize,
}

impl Budget {
    fn of(limit: usize) -> Self {
        let receivers = limit - (limit / RESERVED_PART).min(RESERVED);
        let idle = MAX_IDLE.min(receivers / IDLE_PART);
        Self {
            attempts: (receivers - idle).max(1),
            idle,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_idle_connections_and_the_reserve_are_within_the_limit() {
        for limit in [1, 16, 256, 1024, 4096, 65_536, usize::MAX] {
            let Budget { attempts, idle } = Budget::of(limit);
            let reserved = limit - attempts.saturating_add(idle).min(limit);
            assert!(
                reserved >= (limit / RESERVED_PART).min(RESERVED).min(limit - 1),
                "{limit}: {reserved}"
            );
        }
        let small = Budget {
            attempts: 512,
            idle: 256,
        };
        assert_eq!(Budget::of(1024), small);
        assert!(Budget::of(65_536).attempts > 4096);
    }
}
