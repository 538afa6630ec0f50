//! The interface of a store.

use crate::PlatformError;

/// The times and the limit of an operation on an id.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// The current time in Unix seconds.
    pub now: u64,
    /// The last second of the claim, or of the retention.
    pub until: u64,
    /// The number of processed ids that are remembered, the newest ones.
    pub max_ids: u64,
}

/// The result of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimResult {
    /// The id was free or had expired, and is claimed now.
    Granted,
    /// The id was processed.
    Done,
    /// Another claim has not ended.
    InProgress,
}

/// A store of keys and ids. Each operation takes effect as a whole or not at all.
///
/// Platforms with all of its parts implement it: they select a store with the variable `store_url`.
pub trait Store {
    /// Returns the name of the store of keys for log lines.
    fn origin(&self) -> &'static str;

    /// Returns the value of the key `name`, or `None` if there is none.
    fn key(&self, name: &str) -> Result<Option<Vec<u8>>, PlatformError>;

    /// Sets the value of the key `name`, replacing any previous value.
    fn set_key(&self, name: &str, value: &[u8]) -> Result<(), PlatformError>;

    /// Claims `id`, if it is free or has expired. Of concurrent calls, at most one is granted.
    fn claim(&self, id: &str, retention: Retention) -> Result<ClaimResult, PlatformError>;

    /// Marks `id` as processed, even if the claim was lost in the meantime.
    fn complete(&self, id: &str, retention: Retention) -> Result<(), PlatformError>;

    /// Deletes the claim of `id` that ends at `until`, and no later claim: one that was taken over
    /// after its end.
    fn release(&self, id: &str, until: u64) -> Result<(), PlatformError>;

    /// Checks that the store can be used.
    fn check(&self) -> Result<(), PlatformError>;
}
