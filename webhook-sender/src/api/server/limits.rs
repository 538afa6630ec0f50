//! The limits of clients.

use std::time::Duration;

/// The most connections, where the process may open enough files.
const CONNECTIONS: usize = 512;

/// The share of the files that the process may open: deliveries, the store and the stream need
/// files as well.
const SHARE_OF_FILES: u64 = 4;

/// The limits of clients.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time.
    pub connections: usize,
    /// The time that a client may keep the server waiting for a request's head, and in all for its body
    /// and for room for the response, before the pace counts.
    pub patience: Duration,
    /// The pace at which bodies and responses have to move after that.
    pub bytes_per_second: u32,
    /// The time that requests under way may take after a stop.
    pub drain: Duration,
}

impl Limits {
    /// The limits for this process, by the number of files that it may open.
    pub fn of_this_process() -> Self {
        let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let share = files.map_or(u64::MAX, |files| files / SHARE_OF_FILES);
        let share = usize::try_from(share).unwrap_or(usize::MAX);
        Self {
            connections: CONNECTIONS.min(share).max(1),
            patience: Duration::from_secs(30),
            bytes_per_second: 16 * 1024,
            drain: Duration::from_secs(5),
        }
    }
}
