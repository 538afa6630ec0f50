//! The parts that Spin's runtime leaves unread, checked for their form.

use super::build;
use crate::toml_text::{Entry, Fault, Table};

/// `tool`, whose tables belong to other programs.
pub(super) fn check_tool(owner: &Table<'_>) -> Result<(), Fault> {
    for tool in owner.map("tool")? {
        tool.table()?;
    }
    Ok(())
}

/// `targets`: the environments an app is built for.
pub(super) fn check_targets(owner: &Table<'_>) -> Result<(), Fault> {
    for target in owner.list("targets")? {
        if !target.is_string() {
            one_of(&target, &["url", "path"])?;
        }
    }
    Ok(())
}

/// A table with exactly one key out of `keys`, which holds a string.
fn one_of(entry: &Entry<'_>, keys: &[&str]) -> Result<(), Fault> {
    let table = entry.table()?;
    table.only(keys)?;
    let given: Vec<_> = table.entries().collect();
    match given.as_slice() {
        [only] => only.string().map(drop),
        _ => Err(entry.fault(format!(
            "an item of `{}` must have one of the keys `{}`",
            entry.path,
            keys.join("`, `")
        ))),
    }
}

/// `profile`: what is different in a build that `--profile` names.
pub(super) fn check_profiles(component: &Table<'_>) -> Result<(), Fault> {
    for profile in component.map("profile")? {
        let profile = profile.table()?;
        profile.only(&["source", "environment", "dependencies", "build"])?;
        if let Some(source) = profile.get("source") {
            check_source(&source)?;
        }
        strings(profile.map("environment")?)?;
        for dependency in profile.map("dependencies")? {
            if !dependency.is_string() {
                dependency.table()?;
            }
        }
        if let Some(build) = profile.get("build") {
            let build = build.table()?;
            build.only(&["command"])?;
            build::read_commands(&build)?;
        }
    }
    Ok(())
}

fn check_source(source: &Entry<'_>) -> Result<(), Fault> {
    if source.is_string() {
        return Ok(());
    }
    let source = source.table()?;
    source.only(&["url", "digest", "registry", "package", "version"])?;
    strings(source.entries())
}

fn strings<'a>(entries: impl IntoIterator<Item = Entry<'a>>) -> Result<(), Fault> {
    entries.into_iter().try_for_each(|e| e.string().map(drop))
}
