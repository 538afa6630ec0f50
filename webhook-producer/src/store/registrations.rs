//! The interface of a store of registrations.

use crate::key::SigningKey;

/// A consumer in the store. It has no `Debug`, because it contains a key.
#[derive(Clone)]
pub struct Registration {
    /// The normalised URL, which is unique.
    pub url: String,
    /// The pattern of the events that it receives.
    pub event: String,
    pub key: SigningKey,
}

/// A consumer without its key, and its times.
#[derive(Debug, PartialEq, Eq)]
pub struct ListedRegistration {
    pub url: String,
    pub event: String,
    /// UTC, RFC 3339.
    pub created_at: String,
    /// UTC, RFC 3339.
    pub updated_at: String,
}

/// The reason why an operation failed. The texts are for the log, and contain no values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The table does not exist.
    #[error("{0}")]
    Missing(String),
    /// The table, or the value in its place, has an unknown structure.
    #[error("{0}")]
    Structure(String),
    /// The store is unreachable, or failed.
    #[error("{0}")]
    Failed(String),
}

/// A store of registrations. After an error, nothing has changed, unless the connection was lost
/// before the result arrived.
pub trait Registrations {
    /// Returns the advice for a table that is missing or unknown.
    fn repair(&self) -> &'static str;

    /// Checks that registrations can be read.
    fn check_readable(&self) -> Result<(), StoreError>;

    /// Returns the current key of `url`, if it is registered.
    fn find_key(&self, url: &str) -> Result<Option<SigningKey>, StoreError>;

    /// Stores a registration whose handshake succeeded, and returns `true` if it did: not if the
    /// registration of its URL has changed since `known_key` was read.
    ///
    /// Of two concurrent registrations of one URL, the consumer keeps the key that reached it last,
    /// which the producer cannot know. So the second one to finish is not stored, rather than stored
    /// with a key that may be wrong.
    fn save_if_unchanged(
        &self,
        registration: &Registration,
        known_key: Option<&SigningKey>,
    ) -> Result<bool, StoreError>;

    /// Returns every registration without its key, the oldest first.
    fn list(&self) -> Result<Vec<ListedRegistration>, StoreError>;

    /// Returns every registration with its key, the oldest first.
    fn load_with_keys(&self) -> Result<Vec<Registration>, StoreError>;

    /// Deletes one registration and returns the number of deleted ones: 1 or 0.
    fn delete(&self, url: &str) -> Result<usize, StoreError>;

    /// Deletes every registration and returns their number.
    fn delete_all(&self) -> Result<usize, StoreError>;
}
