//! How a stream is read.

use std::time::Duration;

use redis_link::Address;
use webhook_model::{MAX_DATA_BYTES, Owner};

/// Which stream, by whom, and within which bounds.
#[derive(Clone, Debug)]
pub struct Settings {
    pub address: Address,
    /// The stream's key.
    pub stream: String,
    pub group: String,
    /// This process. Its name is the consumer's: unique among the processes, the same after a
    /// restart.
    pub owner: Owner,
    /// How long a reader that gives no sign of life keeps others from reading. At least a second.
    pub lease: Duration,
    /// How long to wait for new entries before looking around: a stop waits for its end.
    pub block: Duration,
    /// The most entries planned at a time; twice as many are in memory.
    pub max_entries: usize,
    /// The most bytes of entries in memory, but for those of one reading, and as many again of
    /// entries that were taken before.
    pub max_bytes: usize,
    /// The most bytes of an event's data.
    pub max_data_bytes: usize,
    /// How long an entry may be pending with another consumer, while this process reads, before it
    /// is taken over.
    pub min_idle: Duration,
    /// Whether to remove entries that every group of the stream has acknowledged.
    pub trim: bool,
}

impl Settings {
    /// The usual bounds; nothing is removed from the stream.
    pub fn new(
        address: Address,
        stream: impl Into<String>,
        group: impl Into<String>,
        owner: Owner,
    ) -> Self {
        Self {
            address,
            stream: stream.into(),
            group: group.into(),
            owner,
            lease: Duration::from_secs(5),
            block: Duration::from_millis(500),
            max_entries: 512,
            max_bytes: 8 << 20,
            max_data_bytes: MAX_DATA_BYTES,
            min_idle: Duration::from_secs(60),
            trim: false,
        }
    }
}
