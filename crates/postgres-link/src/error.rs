//! The errors of connecting to a server, each with what to do about it.

use std::path::PathBuf;

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use super::address::Address;

/// The oldest supported release: tables, indexes and settings use what it introduced.
const OLDEST_SERVER: i32 = 14;

/// The reason for which a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
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
        "`{address}` runs PostgreSQL {found}; version {OLDEST_SERVER} or later is needed, so upgrade it"
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
    #[error("`{address}`: {detail}")]
    Other {
        address: Box<Address>,
        detail: String,
    },
}

impl ConnectError {
    /// Returns the error of a connection that was not established.
    pub(super) fn of(address: &Address, error: &Error) -> Self {
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

    /// Returns the error of a connection that was not established in time.
    pub(super) fn timeout(address: &Address) -> Self {
        Self::Unreachable {
            address: Box::new(address.clone()),
            detail: "it did not respond in time".into(),
        }
    }

    fn unconnected(address: Box<Address>, error: &Error, detail: String) -> Self {
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

    /// Checks the release of a server by its version number, such as 150004, and its text.
    ///
    /// # Errors
    ///
    /// [`ConnectError::OldServer`].
    pub fn check_release(address: &Address, number: i32, found: String) -> Result<(), Self> {
        if number >= OLDEST_SERVER * 10_000 {
            return Ok(());
        }
        let address = Box::new(address.clone());
        Err(Self::OldServer { address, found })
    }
}

/// Returns the text of an error of the database or the connection. The error's own text leaves the
/// cause out.
pub fn describe(error: &Error) -> String {
    if let Some(error) = error.as_db_error() {
        return format!("{} ({})", error.message(), error.code().code());
    }
    if let Some(tls) = tls_trust::find(error) {
        return tls;
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_too_old_is_named_with_the_version_that_is_needed() {
        let address = Address::parse("postgres://app:s3cret@db/shop").unwrap();
        let check = |number, text: &str| ConnectError::check_release(&address, number, text.into());
        check(140_000, "14.0").unwrap();
        let error = check(130_014, "13.14").unwrap_err().to_string();
        assert!(error.contains("PostgreSQL 13.14; version 14"), "{error}");
        assert!(
            error.contains("db:5432/shop") && !error.contains("s3cret"),
            "{error}"
        );
    }
}
