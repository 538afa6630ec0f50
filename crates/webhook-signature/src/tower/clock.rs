//! The current time.

#![allow(clippy::disallowed_methods, reason = "the layer's clock")]

use alloc::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// A function that returns the time in Unix seconds.
pub(crate) type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Returns the system clock. A time before 1970 becomes 0, at which no request is fresh.
pub(crate) fn system() -> Clock {
    Arc::new(|| {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
        elapsed.map_or(0, |elapsed| elapsed.as_secs())
    })
}
