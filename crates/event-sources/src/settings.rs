//! The settings of an intake.

use std::time::Duration;

use redis_link::Address;
use webhook_model::{MAX_DATA_BYTES, Owner};

/// The stream, its consumer group, the identity of this process, and the bounds of reading.
#[derive(Clone, Debug)]
pub struct Settings {
    pub address: Address,
    /// The stream's key.
    pub stream: String,
    pub group: String,
    /// The identity of this process. Its name is the name of the consumer: unique among processes and
    /// stable across restarts.
    pub owner: Owner,
    /// The lease of the reader: a reader that does not renew it for this long is replaced. At least a
    /// second.
    pub lease: Duration,
    /// The longest blocking read of new entries. A stop waits for its end.
    pub block: Duration,
    /// The most entries that are planned at a time. Twice as many may be in memory.
    pub max_entries: usize,
    /// The most bytes of entries in memory, besides those of one reply and as many bytes again of
    /// redelivered entries.
    pub max_bytes: usize,
    /// The most bytes of an event's data.
    pub max_data_bytes: usize,
    /// The time after which this process claims an entry that is pending with another consumer.
    pub min_idle: Duration,
    /// If true, entries that every group of the stream has acknowledged are removed.
    pub trim: bool,
}

impl Settings {
    /// Creates settings with default bounds and without trimming.
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
