//! What goes wrong with components.

use std::path::{Path, PathBuf};

use super::file_version::FileVersion;

/// The reason for which a file cannot be used as a transform. Its text is the same for every file, also
/// for one that is not there: tenants learn nothing of the machine. Operators get the
/// [detail](Self::detail).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` cannot be used as a transform component", self.name())]
pub struct ComponentError {
    path: PathBuf,
    reason: String,
    /// The file's when it was tried.
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

    /// The path and the reason, for the log and for the configuration's author.
    pub fn detail(&self) -> String {
        format!("`{}`: {}", self.path.display(), self.reason)
    }

    fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// Whether the file is as it was.
    pub fn is_current(&self) -> bool {
        FileVersion::of(&self.path) == self.version
    }
}

/// Why a component came to nothing on an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The component's own answer.
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
