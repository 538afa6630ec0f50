//! The version of a file.

use std::path::Path;
use std::time::SystemTime;

/// The modification time and length of a file, which identify its version; `None` if they cannot be
/// read.
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
