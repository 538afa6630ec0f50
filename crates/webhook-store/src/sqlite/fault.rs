//! Why a job did not do its work.

use crate::StoreError;

/// A refusal, or trouble with the database.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// Nothing was written.
    #[error(transparent)]
    Refused(#[from] StoreError),
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
    /// Something in the file is not what this program writes.
    #[error("{0}")]
    Unreadable(String),
}

impl Fault {
    /// As the callers of the store named `store` see it.
    pub fn of(self, store: &str) -> StoreError {
        match self {
            Self::Refused(refused) => refused,
            other => unavailable(store, &other),
        }
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        // Not the error's own text: it may quote what it read, which may be a secret.
        let (line, column) = (error.line(), error.column());
        Self::Unreadable(format!(
            "stored JSON cannot be read at line {line}, column {column}"
        ))
    }
}

impl From<webhook_model::IdError> for Fault {
    fn from(error: webhook_model::IdError) -> Self {
        Self::Unreadable(format!("a stored id cannot be read: {error}"))
    }
}

/// Trouble with the store itself.
pub(super) fn unavailable(store: &str, detail: &dyn std::fmt::Display) -> StoreError {
    StoreError::Unavailable {
        store: store.into(),
        detail: detail.to_string(),
    }
}
