//! The budget of file descriptors.
//!
//! Each attempt and each idle connection uses one descriptor. A reserve is kept for the API, the
//! store, the stream and files, so that slow receivers cannot exhaust the descriptors of the process.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use webhook_client::MAX_IDLE;

/// The descriptors that are reserved for everything except receivers: at most [`RESERVED`], and one in
/// [`RESERVED_PART`] of a lower limit.
const RESERVED: usize = 512;
const RESERVED_PART: usize = 4;

/// Idle connections may hold one in this many of the descriptors for receivers.
const IDLE_PART: usize = 3;

/// Raises the soft limit of this process to its hard limit.
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
            tracing::warn!(%error, limit, "the limit of file descriptors cannot be raised");
        }
    }
}

/// Returns the number of concurrent attempts, at most `wanted`, that the descriptors suffice for.
pub fn places(wanted: usize) -> usize {
    Budget::of(limit()).attempts.min(wanted)
}

/// Logs a warning if the descriptors suffice for fewer attempts than `wanted`.
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

/// Returns the number of idle connections that the descriptors suffice for.
pub fn idle_connections() -> usize {
    Budget::of(limit()).idle
}

/// Returns the current limit, or `usize::MAX` if there is none.
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
