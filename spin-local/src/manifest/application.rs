//! The whole manifest, from its version to its last trigger.

use std::path::Path;

use super::component::{self, Surroundings};
use super::{App, Given, declared, trigger, unread};
use crate::toml_text::{Fault, Table};

pub(super) fn read(root: &Table<'_>, dir: &Path, given: &Given) -> Result<App, Fault> {
    check_version(root)?;
    root.only(&[
        "application",
        "component",
        "spin_manifest_version",
        "trigger",
        "variables",
    ])?;
    let mut warnings = Vec::new();
    let (name, version) = read_details(root, &mut warnings)?;
    let variables = declared::read(root, given, &mut warnings)?;
    let mut drafts = component::drafts(root)?;
    let triggers = trigger::read_all(root, &mut drafts, &mut warnings)?;
    let around = Surroundings {
        dir,
        variables: &variables,
        environment: &given.environment,
    };
    let components = drafts
        .iter()
        .map(|draft| component::read(draft, &drafts, &around, &mut warnings))
        .collect::<Result<_, _>>()?;
    Ok(App {
        name,
        version,
        dir: dir.to_owned(),
        components,
        routes: triggers.routes,
        static_responses: triggers.static_responses,
        warnings,
    })
}

/// Only version 2 is read. Version 1 was written as text, under either of two keys.
fn check_version(root: &Table<'_>) -> Result<(), Fault> {
    let key = "spin_manifest_version";
    let version = match root.get("spin_version") {
        Some(old) => old,
        None => root.require(key)?,
    };
    if version.is_string() && version.string()? == "1" {
        return Err(version.fault(
            "manifest version 1 is not supported by spin-local; `spin doctor` writes version 2",
        ));
    }
    if version.key == key && version.integer()? == 2 {
        return Ok(());
    }
    Err(version.fault(format!("`{key}` must be `2`")))
}

/// `[application]`: the app's name and version.
fn read_details(root: &Table<'_>, warnings: &mut Vec<String>) -> Result<(String, String), Fault> {
    let application = root.require("application")?.table()?;
    application.only(&[
        "authors",
        "description",
        "name",
        "targets",
        "tool",
        "trigger",
        "version",
    ])?;
    application.text("description")?;
    for author in application.list("authors")? {
        author.string()?;
    }
    unread::check_targets(&application)?;
    unread::check_tool(&application)?;
    check_trigger_settings(&application, warnings)?;
    let name = application.require("name")?.string()?;
    Ok((name.to_owned(), application.text("version")?.to_owned()))
}

/// `[application.trigger.<kind>]`: settings for all triggers of a kind. HTTP has one, `base`,
/// which Spin still takes when it says nothing.
fn check_trigger_settings(
    application: &Table<'_>,
    warnings: &mut Vec<String>,
) -> Result<(), Fault> {
    for kind in application.map("trigger")? {
        let settings = kind.table()?;
        if kind.key != "http" {
            continue;
        }
        settings.only(&["base"])?;
        let Some(base) = settings.get("base") else {
            continue;
        };
        if base.string()? != "/" {
            return Err(
                base.unsupported_form("", "put the base before the `route` of each trigger")
            );
        }
        let deprecated = base.fault(format!("`{}` is deprecated", base.path));
        warnings.push(deprecated.to_string());
    }
    Ok(())
}
