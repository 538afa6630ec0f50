//! `files` and `exclude_files`: what of the app's folder a component may read.

use std::path::{Component, Path};

use glob::Pattern;

use crate::toml_text::{Entry, Fault, Table};

/// An entry of `files`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileMount {
    /// A file, or a glob pattern. The guest finds each file at its path in the app's folder.
    Pattern(String),
    /// A file or folder of the app's folder, and where the guest finds it.
    Placement { source: String, destination: String },
}

pub(super) fn read(component: &Table<'_>, dir: &Path) -> Result<Vec<FileMount>, Fault> {
    let mount = |entry: Entry<'_>| {
        if entry.is_string() {
            read_pattern(&entry, dir)
        } else {
            read_placement(&entry, dir)
        }
    };
    component.list("files")?.into_iter().map(mount).collect()
}

fn read_pattern(entry: &Entry<'_>, dir: &Path) -> Result<FileMount, Fault> {
    let pattern = entry.string()?;
    check_inside(entry, pattern, dir)?;
    if Path::new(pattern).file_name().is_none() || pattern.ends_with("/.") {
        return Err(entry.fault(format!(
            "`{}`: `{pattern}` names a folder: end it in `**/*`, or write it with `source` and \
             `destination`",
            entry.path
        )));
    }
    check_pattern(entry, pattern)?;
    Ok(FileMount::Pattern(pattern.to_owned()))
}

fn read_placement(entry: &Entry<'_>, dir: &Path) -> Result<FileMount, Fault> {
    let table = entry.table().map_err(|_| {
        entry.fault(format!(
            "an item of `{}` must be a pattern, or a table with `source` and `destination`",
            entry.path
        ))
    })?;
    table.only(&["source", "destination"])?;
    let source = table.require("source")?;
    let destination = table.require("destination")?;
    check_inside(&source, source.string()?, dir)?;
    let place = destination.string()?;
    if !place.starts_with('/') || climbs(place) {
        return Err(destination.fault(format!(
            "`{}` must be absolute and without `..`, not `{place}`",
            destination.path
        )));
    }
    Ok(FileMount::Placement {
        source: source.string()?.to_owned(),
        destination: place.to_owned(),
    })
}

pub(super) fn read_excluded(component: &Table<'_>) -> Result<Vec<String>, Fault> {
    let excluded = |entry: Entry<'_>| {
        let pattern = entry.string()?;
        check_pattern(&entry, pattern)?;
        Ok(pattern.to_owned())
    };
    component
        .list("exclude_files")?
        .into_iter()
        .map(excluded)
        .collect()
}

fn check_pattern(entry: &Entry<'_>, pattern: &str) -> Result<(), Fault> {
    match Pattern::new(pattern) {
        Ok(_) => Ok(()),
        Err(error) => Err(entry.fault(format!(
            "`{}`: `{pattern}` is not a pattern: {}",
            entry.path, error.msg
        ))),
    }
}

fn check_inside(entry: &Entry<'_>, path: &str, dir: &Path) -> Result<(), Fault> {
    if climbs(path) || !dir.join(path).starts_with(dir) {
        return Err(entry.fault(format!(
            "`{}`: `{path}` is not in the folder of the app",
            entry.path
        )));
    }
    Ok(())
}

fn climbs(path: &str) -> bool {
    Path::new(path)
        .components()
        .any(|part| part == Component::ParentDir)
}
