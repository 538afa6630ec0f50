//! Loading an app from the file of its manifest.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use config_diagnostics::{InvalidFile, Table};

use super::app::App;
use super::application;
use super::overrides::Overrides;

/// The error of a manifest that cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The file does not exist or cannot be read.
    #[error("cannot read `{}`: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        cause: std::io::Error,
    },
    /// The file is a WebAssembly file.
    #[error(
        "`{}` is a WebAssembly file, not a manifest: spin-local needs a `spin.toml` with a \
         component that has this file as its `source`", .0.display()
    )]
    Wasm(PathBuf),
    /// The path does not exist, and Spin would read it as a reference to a registry.
    #[error(
        "`{0}` is a registry reference, and spin-local does not load apps from registries: give \
         the path of a `spin.toml` or of its folder"
    )]
    Registry(String),
    /// The file is not UTF-8.
    #[error("`{}` is not a manifest: it is not UTF-8", .0.display())]
    NotText(PathBuf),
    /// The manifest has faults.
    #[error(transparent)]
    Invalid(#[from] InvalidFile),
}

impl App {
    /// Loads the manifest at `manifest`, or the `spin.toml` in that folder.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or the manifest has faults, all of which are listed.
    pub fn load(manifest: &Path, overrides: &Overrides) -> Result<Self, ManifestError> {
        let file = if manifest.is_dir() {
            manifest.join("spin.toml")
        } else {
            manifest.to_owned()
        };
        let unreadable = |cause| ManifestError::Read {
            path: file.clone(),
            cause,
        };
        let bytes = std::fs::read(&file).map_err(|cause| match registry_reference(&file) {
            Some(reference) if cause.kind() == ErrorKind::NotFound => {
                ManifestError::Registry(reference)
            }
            _ => unreadable(cause),
        })?;
        if bytes.starts_with(b"\0asm") {
            return Err(ManifestError::Wasm(file));
        }
        let text = String::from_utf8(bytes).map_err(|_| ManifestError::NotText(file.clone()))?;
        let absolute = std::path::absolute(&file).map_err(unreadable)?;
        let dir = absolute.parent().unwrap_or(Path::new("/"));
        Self::read(&file.display().to_string(), &text, dir, overrides)
    }

    /// Reads the text of a manifest as if it were the file `spin.toml` in `dir`.
    ///
    /// # Errors
    ///
    /// The manifest has faults, all of which are listed.
    pub fn from_text(text: &str, dir: &Path, overrides: &Overrides) -> Result<Self, ManifestError> {
        Self::read("spin.toml", text, dir, overrides)
    }

    fn read(
        file: &str,
        text: &str,
        dir: &Path,
        overrides: &Overrides,
    ) -> Result<Self, ManifestError> {
        let read = |root: &Table<'_>| application::read(root, dir, overrides);
        Ok(Table::read(file, text, read)?)
    }
}

/// Returns the registry reference that Spin would read `path` as: it begins with the name of a
/// server, as in `ghcr.io/owner/app:1.0`.
fn registry_reference(path: &Path) -> Option<String> {
    let text = path.to_str()?;
    let (server, rest) = text.split_once('/')?;
    let is_server = !server.starts_with('.') && server.contains(['.', ':']);
    let names_file = Path::new(rest).extension().is_some_and(|it| it == "toml");
    (is_server && !names_file).then(|| text.to_owned())
}
