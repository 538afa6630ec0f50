//! The folder that contains the components.
//!
//! Endpoints name a file in it, and nothing else. A client that declares an endpoint can neither
//! read other files nor make the sender wait for a file that never ends.

use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

/// The largest size of a component file in bytes.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// The folder that contains the files named by `transform_component`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Returns the path of the file with this name, which may not exist.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is not the name of a file, for example because it contains a
    /// separator.
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

    /// Reads a regular file in the folder. Symbolic links are followed if they lead to a file in
    /// the folder, as mounted configurations consist of such links.
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
        // Checked before the file is opened, because opening a pipe waits for its other end.
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
