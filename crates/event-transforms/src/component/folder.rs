//! The folder that components are in.
//!
//! Endpoints name a file in it, and nothing else: a client that declares an endpoint can neither read
//! other files by it nor make the sender wait for one that never ends.

use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

/// The most bytes of a component's file.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// The folder that `transform_component` names files in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where a file of that name is, if it is there.
    ///
    /// # Errors
    ///
    /// For a text that is not the name of a file: one with a separator, for example.
    pub fn path_of(&self, name: &str) -> Result<PathBuf, String> {
        let mut parts = Path::new(name).components();
        let is_name = matches!(
            (parts.next(), parts.next()),
            (Some(Component::Normal(part)), None) if part == name
        );
        if is_name && !name.contains(['\\', '\0']) {
            Ok(self.0.join(name))
        } else {
            let name: String = name.chars().take(80).collect();
            Err(format!(
                "`{}` is not the name of a file",
                name.escape_default()
            ))
        }
    }

    /// Reads a regular file that is really in the folder. Symbolic links within the folder are
    /// followed, as mounted configurations consist of them.
    ///
    /// # Errors
    ///
    /// The reason, for operators.
    pub(super) fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        let cannot = |error: std::io::Error| error.to_string();
        let folder = self.0.canonicalize().map_err(cannot)?;
        let path = path.canonicalize().map_err(cannot)?;
        if !path.starts_with(&folder) {
            return Err(format!(
                "it leads out of the folder, to `{}`",
                path.display()
            ));
        }
        // Before it is opened: to open a pipe waits for its other end.
        if !path.metadata().map_err(cannot)?.is_file() {
            return Err("it is not a regular file".into());
        }
        let mut bytes = Vec::new();
        let file = File::open(&path).map_err(cannot)?;
        let read = file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes);
        if u64::try_from(read.map_err(cannot)?).unwrap_or(u64::MAX) > MAX_FILE_BYTES {
            return Err(format!("it is larger than {MAX_FILE_BYTES} bytes"));
        }
        Ok(bytes)
    }
}
