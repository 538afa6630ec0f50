//! The settings of a Redis stream.

use std::time::Duration;

use redis_link::Address;
use webhook_model::{Owner, TenantId};

use crate::Bounds;

/// The stream, its consumer group, the identity of this process, and the bounds of reading.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name of the source.
    pub name: String,
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
    /// The bounds in memory. A reply and redelivered entries may take as many bytes again each.
    pub bounds: Bounds,
    /// The time after which this process claims an entry that is pending with another consumer.
    pub min_idle: Duration,
    /// If true, entries that every group of the stream has acknowledged are removed.
    pub trim: bool,
    /// The tenant of all entries. Without it, each entry names its tenant.
    pub tenant: Option<TenantId>,
}

impl Settings {
    /// Creates settings with default bounds and without trimming.
    pub fn new(
        name: impl Into<String>,
        address: Address,
        stream: impl Into<String>,
        group: impl Into<String>,
        owner: Owner,
    ) -> Self {
        Self {
            name: name.into(),
            address,
            stream: stream.into(),
            group: group.into(),
            owner,
            lease: Duration::from_secs(5),
            block: Duration::from_millis(500),
            bounds: Bounds::default(),
            min_idle: Duration::from_secs(60),
            trim: false,
            tenant: None,
        }
    }
}
