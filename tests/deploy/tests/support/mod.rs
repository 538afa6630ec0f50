//! Shared helpers.
#![allow(dead_code)] // each test binary uses its own part of it

use std::path::{Path, PathBuf};

/// Returns the root of the repository.
pub fn root() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    folder.ancestors().nth(2).unwrap().to_owned()
}

/// Reads a file by its path from the root of the repository.
#[track_caller]
pub fn read(path: &str) -> String {
    text_of(&root().join(path))
}

#[track_caller]
pub fn text_of(path: &Path) -> String {
    let text = std::fs::read_to_string(path);
    text.unwrap_or_else(|error| panic!("`{}`: {error}", path.display()))
}

#[track_caller]
pub fn toml_of(path: &str) -> toml::Table {
    let table = read(path).parse();
    table.unwrap_or_else(|error| panic!("`{path}`: {error}"))
}

/// Returns the files under `folder`, sorted.
pub fn files_under(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(files_under(&path)),
            false => files.push(path),
        }
    }
    files.sort();
    files
}

/// Copies a folder with its content.
pub fn copy_folder(from: &Path, to: &Path) {
    for file in files_under(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(&file, target).unwrap();
    }
}
