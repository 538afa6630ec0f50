//! Faults of a document, and the error that lists them.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// One fault of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The full key, for example `tenant.acme.endpoint.orders.url`, or the item that the message
    /// is about, for example ``component `shop` ``. Empty for a fault of the whole document.
    pub field: String,
    /// The reason, for people.
    pub message: String,
    /// The line, counted from 1. `None` for JSON and for a file that cannot be read.
    #[serde(skip)]
    pub line: Option<usize>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => f.write_str(&self.message),
            field => write!(f, "{field}: {}", self.message),
        }
    }
}

/// The faults found so far. Never empty as an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Adds the faults of a check that failed, so that later checks still run. Returns the value
    /// of one that succeeded.
    pub fn keep<T>(&mut self, outcome: Result<T, Self>) -> Option<T> {
        match outcome {
            Ok(value) => Some(value),
            Err(mut found) => {
                self.0.append(&mut found.0);
                None
            }
        }
    }

    /// Returns `value` if no fault was found.
    ///
    /// # Errors
    ///
    /// The faults.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

/// Collects the values of independent items. Unlike `Iterator::collect`, it goes on after the
/// first item that fails.
///
/// # Errors
///
/// The faults of all items.
pub fn collect_all<T, C: FromIterator<T>>(
    items: impl IntoIterator<Item = Result<T, Diagnostics>>,
) -> Result<C, Diagnostics> {
    let mut found = Diagnostics::default();
    let items = items.into_iter().filter_map(|item| found.keep(item));
    let values = items.collect();
    found.or(values)
}

/// A file that cannot be used, with all reasons that were found.
///
/// Displays one diagnostic per line, as `PATH:LINE: FIELD: MESSAGE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidFile {
    /// The path as it was given.
    pub path: PathBuf,
    /// The faults in the order of their lines.
    pub diagnostics: Vec<Diagnostic>,
}

impl InvalidFile {
    /// Sorts the diagnostics of a file by their lines.
    pub fn new(path: PathBuf, mut diagnostics: Vec<Diagnostic>) -> Self {
        diagnostics.sort_by_key(|diagnostic| diagnostic.line);
        Self { path, diagnostics }
    }
}

impl std::error::Error for InvalidFile {}

impl fmt::Display for InvalidFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        for (index, diagnostic) in self.diagnostics.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            match diagnostic.line {
                Some(line) => write!(f, "{path}:{line}: {diagnostic}")?,
                None => write!(f, "{path}: {diagnostic}")?,
            }
        }
        Ok(())
    }
}
