//! Sections that Spin's runtime ignores, checked for their form.

use config_diagnostics::{Diagnostics, Entry, Table, collect_all};

use super::build;

/// Checks `tool`, whose tables belong to other programs.
pub(super) fn check_tool(owner: &Table<'_>) -> Result<(), Diagnostics> {
    let tools = owner.map("tool")?;
    collect_all(tools.iter().map(|tool| tool.table().map(drop)))
}

/// Checks `targets`: the environments that an app is built for.
pub(super) fn check_targets(owner: &Table<'_>) -> Result<(), Diagnostics> {
    let targets = owner.list("targets")?;
    let tables = targets.iter().filter(|target| !target.is_string());
    collect_all(tables.map(|target| check_single_key(target, &["url", "path"])))
}

/// Checks a table that must have exactly one of `keys`, with a string.
fn check_single_key(entry: &Entry<'_>, keys: &[&str]) -> Result<(), Diagnostics> {
    let table = entry.table()?;
    table.only(keys)?;
    let entries: Vec<_> = table.entries().collect();
    match entries.as_slice() {
        [only] => only.string().map(drop),
        _ => Err(entry.fault(format!(
            "an item of `{}` must have one of the keys `{}`",
            entry.path,
            keys.join("`, `")
        ))),
    }
}

/// Checks `profile`: the settings that replace others in a build with `--profile`.
pub(super) fn check_profiles(component: &Table<'_>) -> Result<(), Diagnostics> {
    let profiles = component.map("profile")?;
    collect_all(profiles.iter().map(check_profile))
}

fn check_profile(profile: &Entry<'_>) -> Result<(), Diagnostics> {
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
    Ok(())
}

fn check_source(source: &Entry<'_>) -> Result<(), Diagnostics> {
    if source.is_string() {
        return Ok(());
    }
    let source = source.table()?;
    source.only(&["url", "digest", "registry", "package", "version"])?;
    strings(source.entries())
}

fn strings<'a>(entries: impl IntoIterator<Item = Entry<'a>>) -> Result<(), Diagnostics> {
    collect_all(entries.into_iter().map(|entry| entry.string().map(drop)))
}
