//! The limits for clients.

use std::time::Duration;

/// The most connections, if the process may open enough files.
const CONNECTIONS: usize = 512;

/// Connections may use one in this many of the files that the process may open: deliveries, the store
/// and the stream need files as well.
const SHARE_OF_FILES: u64 = 4;

/// The limits for clients.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The number of concurrent connections.
    pub connections: usize,
    /// The time that a client may keep the server waiting for the head of a request, and in total for its
    /// body and for reading the response, before `bytes_per_second` applies.
    pub client_timeout: Duration,
    /// The minimum pace of bodies and responses after that.
    pub bytes_per_second: u32,
    /// The time that requests in progress have after a stop.
    pub drain: Duration,
}

impl Limits {
    /// Returns the limits for this process, by the number of files that it may open.
    pub fn of_this_process() -> Self {
        let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let share = files.map_or(u64::MAX, |files| files / SHARE_OF_FILES);
        let share = usize::try_from(share).unwrap_or(usize::MAX);
        Self {
            connections: CONNECTIONS.min(share).max(1),
            client_timeout: Duration::from_secs(30),
            bytes_per_second: 16 * 1024,
            drain: Duration::from_secs(5),
        }
    }
}
