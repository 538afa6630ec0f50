//! The errors of an outbox, each with what to do about it.

use postgres_link::{Address, ConnectError, describe};

use crate::SourceError;

/// The reason for which a table cannot be read as an outbox.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("`{address}` has no table `{table}`; `{command}` prints the statements that create it")]
    NoTable {
        address: Box<Address>,
        table: String,
        command: String,
    },
    #[error(
        "`{table}` of `{address}` is not an outbox: {faults}; `{command}` prints what is needed"
    )]
    Columns {
        address: Box<Address>,
        table: String,
        /// Each column that is missing or has another type.
        faults: String,
        command: String,
    },
    #[error(
        "user `{user}` lacks rights on outbox `{table}` of `{address}`; have an administrator run: \
         {statement}"
    )]
    Rights {
        address: Box<Address>,
        user: String,
        table: String,
        statement: String,
    },
    #[error("`{address}` is a read-only standby; connect to its primary server")]
    Standby { address: Box<Address> },
    #[error("`{address}`: {detail}")]
    Failed {
        address: Box<Address>,
        detail: String,
    },
}

impl OutboxError {
    /// Returns whether it may pass by itself. Others need a change of the configuration or the database.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Connect(error) => matches!(
                error,
                ConnectError::Unreachable { .. } | ConnectError::Other { .. }
            ),
            Self::Standby { .. } | Self::Failed { .. } => true,
            Self::NoTable { .. } | Self::Columns { .. } | Self::Rights { .. } => false,
        }
    }

    pub(super) fn sql(address: &Address, error: &tokio_postgres::Error) -> Self {
        Self::failed(address, describe(error))
    }

    pub(super) fn failed(address: &Address, detail: String) -> Self {
        let address = Box::new(address.clone());
        Self::Failed { address, detail }
    }
}

impl From<OutboxError> for SourceError {
    fn from(error: OutboxError) -> Self {
        Self::new(error)
    }
}
