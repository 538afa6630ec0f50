//! The errors of opening a database as a store, each with what to do about it.

use std::path::PathBuf;

use tokio_postgres::error::SqlState;

use super::address::Address;
use super::fault::describe;

/// The oldest supported release: tables and indexes use what it introduced.
pub(super) const OLDEST_SERVER: i32 = 14;

/// The reason for which a database cannot be used as a store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("`{address}` cannot be reached: {detail}")]
    Unreachable {
        address: Box<Address>,
        detail: String,
    },
    #[error("the host of `{address}` is unknown: {detail}; correct its name in the URL")]
    UnknownHost {
        address: Box<Address>,
        detail: String,
    },
    #[error("`{address}` rejected the password of user `{user}`; correct it in the URL")]
    Password { address: Box<Address>, user: String },
    #[error("`{address}` rejected user `{user}`: {detail}")]
    User {
        address: Box<Address>,
        user: String,
        detail: String,
    },
    #[error(
        "`{address}` has no database `{database}`; create it with `CREATE DATABASE \"{database}\"`"
    )]
    NoDatabase {
        address: Box<Address>,
        database: String,
    },
    #[error(
        "`{address}` runs PostgreSQL {found}; this store needs {OLDEST_SERVER} or later, so upgrade it"
    )]
    OldServer {
        address: Box<Address>,
        found: String,
    },
    #[error(
        "`{address}` does not offer TLS, which `sslmode` requires; configure the server, or use \
         `sslmode=disable` on a network that you trust"
    )]
    NoTls { address: Box<Address> },
    #[error("TLS to `{address}` failed: {detail}")]
    TlsFailed {
        address: Box<Address>,
        detail: String,
    },
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    #[error("`sslrootcert` file `{}`: {detail}", file.display())]
    Authorities { file: PathBuf, detail: String },
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
    /// Returns the error of a connection that was not established.
    pub(super) fn connect(address: &Address, error: &tokio_postgres::Error) -> Self {
        let (address, detail) = (Box::new(address.clone()), describe(error));
        let (user, database) = (address.user().to_owned(), address.database().to_owned());
        match error.code() {
            Some(&SqlState::INVALID_PASSWORD) => Self::Password { address, user },
            Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION) => Self::User {
                address,
                user,
                detail,
            },
            Some(&SqlState::INVALID_CATALOG_NAME) => Self::NoDatabase { address, database },
            Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Self::User {
                address,
                user,
                detail,
            },
            Some(_) => Self::Unreachable { address, detail },
            None => Self::unconnected(address, error, detail),
        }
    }

    fn unconnected(address: Box<Address>, error: &tokio_postgres::Error, detail: String) -> Self {
        if tls_trust::find(error).is_some() {
            return Self::TlsFailed { address, detail };
        }
        // The driver has no type for these.
        if detail.contains("server does not support TLS") {
            return Self::NoTls { address };
        }
        let text = "failed to lookup address information";
        if detail.contains(text) || detail.contains("could not resolve") {
            return Self::UnknownHost { address, detail };
        }
        if detail.contains("password missing") {
            let user = address.user().to_owned();
            return Self::Password { address, user };
        }
        Self::Unreachable { address, detail }
    }

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
