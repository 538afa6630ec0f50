//! What is wrong with a declaration.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The whole key, for example `tenant.acme.endpoint.orders.url`; in the API's requests the name
    /// of the field.
    pub field: String,
    /// For people.
    pub message: String,
    /// Counted from 1, where there is a file.
    #[serde(skip)]
    pub line: Option<usize>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => f.write_str(&self.message),
            field => write!(f, "{field}: {}", self.message),
        }
    }
}

/// A file that cannot be used, and all reasons that were found.
#[derive(Debug)]
pub struct ConfigError {
    pub path: PathBuf,
    /// In the order of their lines.
    pub faults: Vec<Fault>,
}

impl ConfigError {
    pub(super) fn new(path: PathBuf, mut faults: Vec<Fault>) -> Self {
        faults.sort_by_key(|fault| fault.line);
        Self { path, faults }
    }
}

impl std::error::Error for ConfigError {}

/// One fault a line.
impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            match fault.line {
                Some(line) => write!(f, "{}:{line}: {fault}", self.path.display())?,
                None => write!(f, "{}: {fault}", self.path.display())?,
            }
        }
        Ok(())
    }
}
