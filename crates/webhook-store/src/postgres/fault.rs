//! The errors of calls.

use postgres_link::describe;
use tokio_postgres::error::SqlState;

use crate::StoreError;
use crate::error::{unreadable_id, unreadable_json};

/// A rejected call, or an error of the connection or the database.
#[derive(Debug)]
pub(super) enum Fault {
    /// The call was rejected, and nothing was written.
    Refused(StoreError),
    Sql(tokio_postgres::Error),
    /// No connection was available.
    Pool(String),
    /// The deadline of the call has passed.
    Timeout,
    /// A table contains a value that this program does not write.
    Unreadable(String),
}

/// The result of a part of a call.
pub(super) type FaultResult<T> = Result<T, Fault>;

impl Fault {
    /// Returns whether the call had no effect because of another transaction, and may be repeated.
    pub fn is_transient(&self) -> bool {
        let Self::Sql(error) = self else { return false };
        error.code().is_some_and(|code| {
            *code == SqlState::T_R_DEADLOCK_DETECTED || *code == SqlState::T_R_SERIALIZATION_FAILURE
        })
    }

    /// Returns whether the server does not accept writes.
    pub fn is_read_only(&self) -> bool {
        let Self::Sql(error) = self else { return false };
        error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION)
    }

    /// Returns whether the server has no room on its disk.
    pub fn is_full(&self) -> bool {
        let Self::Sql(error) = self else { return false };
        error.code() == Some(&SqlState::DISK_FULL)
    }

    /// Returns whether the connection still works: the call was rejected, here or by the server.
    pub fn is_of_server(&self) -> bool {
        match self {
            Self::Refused(_) | Self::Unreadable(_) => true,
            Self::Sql(error) => error.as_db_error().is_some(),
            Self::Pool(_) | Self::Timeout => false,
        }
    }

    /// Converts it to the error that the store named `store` returns.
    pub fn of(self, store: &str) -> StoreError {
        let detail = match self {
            Self::Refused(refused) => return refused,
            Self::Sql(error) => describe(&error),
            Self::Pool(detail) | Self::Unreadable(detail) => detail,
            Self::Timeout => "the server did not respond in time".into(),
        };
        StoreError::Unavailable {
            store: store.into(),
            detail,
        }
    }
}

impl From<StoreError> for Fault {
    fn from(refused: StoreError) -> Self {
        Self::Refused(refused)
    }
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Sql(error)
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
