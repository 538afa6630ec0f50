//! Which version of a file was read.

use std::path::Path;
use std::time::SystemTime;

/// What tells one version of a file from another; `None` while it cannot be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileVersion(Option<(SystemTime, u64)>);

impl FileVersion {
    pub fn of(path: &Path) -> Self {
        let look = || {
            let found = path.metadata()?;
            Ok::<_, std::io::Error>((found.modified()?, found.len()))
        };
        Self(look().ok())
    }
}
