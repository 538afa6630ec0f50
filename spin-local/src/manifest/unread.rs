//! The parts that Spin's runtime leaves unread, checked for their form.

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

/// `build`: how `spin build` makes the component.
pub(super) fn check_build(component: &Table<'_>) -> Result<(), Fault> {
    let Some(build) = component.get("build") else {
        return Ok(());
    };
    let build = build.table()?;
    build.only(&["command", "workdir", "watch"])?;
    check_command(&build)?;
    build.text("workdir")?;
    strings(build.list("watch")?)
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
            check_command(&build)?;
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

fn check_command(build: &Table<'_>) -> Result<(), Fault> {
    let command = build.require("command")?;
    if command.is_string() {
        return Ok(());
    }
    strings(command.items()?)
}

fn strings<'a>(entries: impl IntoIterator<Item = Entry<'a>>) -> Result<(), Fault> {
    entries.into_iter().try_for_each(|e| e.string().map(drop))
}
