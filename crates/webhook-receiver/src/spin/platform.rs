//! Spin's variables and clock, and the open stores of a request.

#![allow(clippy::disallowed_methods, reason = "the app's clock")]

use std::cell::OnceCell;
use std::time::{SystemTime, UNIX_EPOCH};

use spin_sdk::{pg, redis, variables};

use crate::{Clock, PlatformError, Variables};

/// The platform of this instance. Stores stay open for the whole request.
#[derive(Default)]
pub struct Spin {
    #[cfg(feature = "local-store")]
    pub(super) store: OnceCell<spin_sdk::key_value::Store>,
    #[cfg(feature = "local-store")]
    pub(super) database: OnceCell<spin_sdk::sqlite::Connection>,
    /// The connections to servers. An app uses one address of each kind.
    pub(super) postgres: OnceCell<pg::Connection>,
    pub(super) redis: OnceCell<redis::Connection>,
}

/// Returns the content of the cell, which `open` fills when it is first used.
pub(super) fn opened<'a, T, E: ToString>(
    cell: &'a OnceCell<T>,
    doing: &'static str,
    open: impl FnOnce() -> Result<T, E>,
) -> Result<&'a T, PlatformError> {
    match cell.get() {
        Some(open) => Ok(open),
        None => {
            let opened = open().map_err(|error| failed(doing, &error))?;
            Ok(cell.get_or_init(|| opened))
        }
    }
}

impl Clock for Spin {
    fn now(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| since.as_secs())
    }
}

impl Variables for Spin {
    fn variable(&self, name: &'static str) -> Result<String, PlatformError> {
        variables::get(name).map_err(|error| PlatformError {
            doing: "reading a variable",
            cause: format!("`{name}`: {error}"),
        })
    }
}

pub(super) fn failed(doing: &'static str, error: &impl ToString) -> PlatformError {
    let cause = error.to_string();
    PlatformError { doing, cause }
}
