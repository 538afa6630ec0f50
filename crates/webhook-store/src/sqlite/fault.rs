//! The errors of jobs.

use crate::StoreError;
use crate::error::{unreadable_id, unreadable_json};

/// A rejected call, or an error of the database.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The call was rejected, and nothing was written.
    #[error(transparent)]
    Refused(#[from] StoreError),
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
    /// The file contains a value that this program does not write.
    #[error("{0}")]
    Unreadable(String),
}

impl Fault {
    /// Converts it to the error that the store named `store` returns.
    pub fn of(self, store: &str) -> StoreError {
        match self {
            Self::Refused(refused) => refused,
            other => unavailable(store, &other),
        }
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self::Unreadable(unreadable_json(&error))
    }
}

impl From<webhook_model::IdError> for Fault {
    fn from(error: webhook_model::IdError) -> Self {
        Self::Unreadable(unreadable_id(&error))
    }
}

/// Returns the error of a store that failed.
pub(super) fn unavailable(store: &str, detail: &dyn std::fmt::Display) -> StoreError {
    StoreError::Unavailable {
        store: store.into(),
        detail: detail.to_string(),
    }
}
