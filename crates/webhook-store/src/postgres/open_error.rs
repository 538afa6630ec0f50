//! The errors of opening a database as a store, each with what to do about it.

use postgres_link::{Address, ConnectError, describe};
use tokio_postgres::error::SqlState;

/// The reason for which a database cannot be used as a store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("database `{database}` of `{address}` has encoding {found}; the store needs UTF8")]
    Encoding {
        address: Box<Address>,
        database: String,
        found: String,
    },
    #[error(
        "schema `{schema}` of `{address}` has tables of another program; name another one with \
         `?schema=`"
    )]
    Foreign {
        address: Box<Address>,
        schema: String,
    },
    #[error(
        "schema `{schema}` of `{address}` has version {found} of a newer release; this one supports \
         up to {known}"
    )]
    Newer {
        address: Box<Address>,
        schema: String,
        found: i32,
        known: usize,
    },
    #[error(
        "user `{user}` lacks rights on the tables of the store in `{address}`; have an administrator \
         run: {statement}"
    )]
    Rights {
        address: Box<Address>,
        user: String,
        statement: String,
    },
    #[error(
        "user `{user}` of the store may not delete from outbox `{table}` in `{address}`; have an \
         administrator run: {statement}"
    )]
    OutboxRights {
        address: Box<Address>,
        user: String,
        table: String,
        statement: String,
    },
    #[error(
        "`{address}` is a read-only standby without the store's tables; connect to its primary server"
    )]
    Standby { address: Box<Address> },
    #[error("`{address}`: {detail}")]
    Other {
        address: Box<Address>,
        detail: String,
    },
}

impl OpenError {
    /// Returns the error of a statement that failed.
    pub(super) fn sql(address: &Address, error: &tokio_postgres::Error) -> Self {
        let address = Box::new(address.clone());
        match error.code() {
            Some(&SqlState::READ_ONLY_SQL_TRANSACTION) => Self::Standby { address },
            _ => Self::Other {
                address,
                detail: describe(error),
            },
        }
    }
}
