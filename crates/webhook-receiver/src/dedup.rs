//! Deduplication by `webhook-id`: each event is processed once, even if it is sent repeatedly.
//!
//! An id is claimed before its event is processed. The claim is one operation of the [`Store`] that
//! either succeeds or does not, so that of concurrent requests exactly one gets it. A processed id is
//! remembered for the retry horizon, and at least for as long as its signature is fresh. A failed one
//! is released at once, so that the sender's retry is processed. A claim whose holder dies ends after
//! [`LEASE`].

use crate::{ClaimResult, PlatformError, Retention, Settings, Store};

/// The duration of a claim in seconds. Processing must take less, or a second request may be
/// processed concurrently.
pub const LEASE: u64 = 300;

/// The `Retry-After` for an event that another request is processing, in seconds.
pub const RETRY_AFTER: u64 = 5;

/// The result of a claim.
pub(crate) enum Claim {
    /// This request may process the id.
    Granted(Lease),
    /// The id was processed.
    Done,
    /// Another request is processing the id.
    InProgress,
}

/// A granted claim, to be completed or released.
pub(crate) struct Lease {
    id: String,
    until: u64,
    max_ids: u64,
}

/// Claims `id` at `now`.
pub(crate) fn claim(
    store: &impl Store,
    settings: &Settings,
    id: &str,
    now: u64,
) -> Result<Claim, PlatformError> {
    let retention = Retention {
        now,
        until: now.saturating_add(LEASE),
        max_ids: settings.seen_ids_max,
    };
    Ok(match store.claim(id, retention)? {
        ClaimResult::Granted => Claim::Granted(Lease {
            id: id.to_owned(),
            until: retention.until,
            max_ids: retention.max_ids,
        }),
        ClaimResult::Done => Claim::Done,
        ClaimResult::InProgress => Claim::InProgress,
    })
}

impl Lease {
    /// Remembers the id as processed at `now`, up to and including the second `until`.
    pub(crate) fn complete(
        self,
        store: &impl Store,
        now: u64,
        until: u64,
    ) -> Result<(), PlatformError> {
        let max_ids = self.max_ids;
        let retention = Retention {
            now,
            until,
            max_ids,
        };
        store.complete(&self.id, retention)
    }

    /// Deletes the id, so that it can be claimed again.
    pub(crate) fn release(self, store: &impl Store) -> Result<(), PlatformError> {
        store.release(&self.id, self.until)
    }
}
