//! `files` and `exclude_files`: the files of the app's folder that a component can read.

use std::path::{Component, Path};

use config_diagnostics::{Diagnostics, Entry, Table, collect_all};
use glob::Pattern;

/// An entry of `files`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileMount {
    /// A file, or a glob pattern. The guest sees each file at its path in the app's folder.
    Pattern(String),
    /// A file or folder of the app's folder, at another path.
    Placement {
        /// The path in the app's folder.
        source: String,
        /// The absolute path that the guest sees.
        destination: String,
    },
}

pub(super) fn read(component: &Table<'_>, dir: &Path) -> Result<Vec<FileMount>, Diagnostics> {
    let mount = |entry: Entry<'_>| {
        if entry.is_string() {
            read_pattern(&entry, dir)
        } else {
            read_placement(&entry, dir)
        }
    };
    collect_all(component.list("files")?.into_iter().map(mount))
}

fn read_pattern(entry: &Entry<'_>, dir: &Path) -> Result<FileMount, Diagnostics> {
    let pattern = entry.string()?;
    check_inside(entry, pattern, dir)?;
    if Path::new(pattern).file_name().is_none() || pattern.ends_with("/.") {
        return Err(entry.fault(format!(
            "`{}`: `{pattern}` is a folder: add `**/*`, or use a table with `source` and \
             `destination`",
            entry.path
        )));
    }
    check_pattern(entry, pattern)?;
    Ok(FileMount::Pattern(pattern.to_owned()))
}

fn read_placement(entry: &Entry<'_>, dir: &Path) -> Result<FileMount, Diagnostics> {
    let table = entry.table().map_err(|_| {
        entry.fault(format!(
            "an item of `{}` must be a glob pattern, or a table with `source` and `destination`",
            entry.path
        ))
    })?;
    table.only(&["source", "destination"])?;
    let source = table.require("source")?;
    let destination = table.require("destination")?;
    check_inside(&source, source.string()?, dir)?;
    let path = destination.string()?;
    if !path.starts_with('/') || has_parent_dir(path) {
        return Err(destination.fault(format!(
            "`{}` must be absolute and without `..`, not `{path}`",
            destination.path
        )));
    }
    Ok(FileMount::Placement {
        source: source.string()?.to_owned(),
        destination: path.to_owned(),
    })
}

pub(super) fn read_excluded(component: &Table<'_>) -> Result<Vec<String>, Diagnostics> {
    let excluded = |entry: Entry<'_>| {
        let pattern = entry.string()?;
        check_pattern(&entry, pattern)?;
        Ok(pattern.to_owned())
    };
    collect_all(component.list("exclude_files")?.into_iter().map(excluded))
}

fn check_pattern(entry: &Entry<'_>, pattern: &str) -> Result<(), Diagnostics> {
    match Pattern::new(pattern) {
        Ok(_) => Ok(()),
        Err(error) => Err(entry.fault(format!(
            "`{}`: `{pattern}` is not a glob pattern: {}",
            entry.path, error.msg
        ))),
    }
}

fn check_inside(entry: &Entry<'_>, path: &str, dir: &Path) -> Result<(), Diagnostics> {
    if has_parent_dir(path) || !dir.join(path).starts_with(dir) {
        return Err(entry.fault(format!(
            "`{}`: `{path}` is not in the folder of the app",
            entry.path
        )));
    }
    Ok(())
}

fn has_parent_dir(path: &str) -> bool {
    Path::new(path)
        .components()
        .any(|part| part == Component::ParentDir)
}
