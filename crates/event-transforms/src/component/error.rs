//! Errors of components.

use std::path::{Path, PathBuf};

use super::file_version::FileVersion;

/// The reason for which a file cannot be used as a transform. Its text is the same for every file,
/// including a missing one, so that tenants learn nothing about the machine. Operators get the
/// [detail](Self::detail).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` cannot be used as a transform component", self.name())]
pub struct ComponentError {
    path: PathBuf,
    reason: String,
    /// The version of the file when it was loaded.
    version: FileVersion,
}

impl ComponentError {
    pub(super) fn new(path: &Path, version: FileVersion, reason: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            reason: reason.into(),
            version,
        }
    }

    /// Returns the path and the reason, for the log and for the author of the configuration.
    pub fn detail(&self) -> String {
        format!("`{}`: {}", self.path.display(), self.reason)
    }

    fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// Returns true if the file is unchanged.
    pub fn is_current(&self) -> bool {
        FileVersion::of(&self.path) == self.version
    }
}

/// The reason for which a component returned no body for an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The component returned an error.
    #[error("{0}")]
    Refused(String),
    #[error("the component ran out of steps")]
    OutOfSteps,
    #[error("the component failed: {0}")]
    Trapped(String),
    #[error("the output is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the output is not JSON")]
    NotJson,
}
