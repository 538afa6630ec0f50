//! The whole manifest, from its version to its last trigger.

use std::path::Path;

use config_diagnostics::{Diagnostics, Table, collect_all};

use super::app::App;
use super::component::{self, Context};
use super::overrides::Overrides;
use super::{draft, ignored_sections, trigger, variables};
use crate::unsupported::unsupported_form;

/// Reads a manifest. The version, the variables and the names of components come first, because
/// the rest refers to them: a fault in those hides the faults of triggers and components.
pub(super) fn read(
    root: &Table<'_>,
    dir: &Path,
    overrides: &Overrides,
) -> Result<App, Diagnostics> {
    check_version(root)?;
    let mut found = Diagnostics::default();
    let mut warnings = Vec::new();
    found.keep(root.only(&[
        "application",
        "component",
        "spin_manifest_version",
        "trigger",
        "variables",
    ]));
    let details = found.keep(read_details(root, &mut warnings));
    let variables = found.keep(variables::read(root, overrides, &mut warnings));
    let drafts = found.keep(draft::read_all(root));
    let (Some(variables), Some(mut drafts)) = (variables, drafts) else {
        return Err(found);
    };
    let (name, version) = details.unwrap_or_default();
    let triggers = found.keep(trigger::read_all(root, &mut drafts, &mut warnings));
    let context = Context {
        dir,
        variables: &variables,
        environment: &overrides.environment,
    };
    let components = drafts
        .iter()
        .map(|draft| component::read(draft, &drafts, &context, &mut warnings));
    let components = found.keep(collect_all(components));
    let (Some(triggers), Some(components)) = (triggers, components) else {
        return Err(found);
    };
    found.or(App {
        name,
        version,
        dir: dir.to_owned(),
        components,
        routes: triggers.routes,
        static_responses: triggers.static_responses,
        warnings,
    })
}

/// Accepts version 2 only. Version 1 was written as a string, under either of two keys.
fn check_version(root: &Table<'_>) -> Result<(), Diagnostics> {
    let key = "spin_manifest_version";
    let version = match root.get("spin_version") {
        Some(old) => old,
        None => root.require(key)?,
    };
    if version.is_string() && version.string()? == "1" {
        return Err(version.fault(
            "manifest version 1 is not supported by spin-local; `spin doctor` converts it to \
             version 2",
        ));
    }
    if version.key == key && version.integer()? == 2 {
        return Ok(());
    }
    Err(version.fault(format!("`{key}` must be `2`")))
}

/// Reads `[application]`: the name and the version of the app.
fn read_details(
    root: &Table<'_>,
    warnings: &mut Vec<String>,
) -> Result<(String, String), Diagnostics> {
    let application = root.require("application")?.table()?;
    let mut found = Diagnostics::default();
    found.keep(application.only(&[
        "authors",
        "description",
        "name",
        "targets",
        "tool",
        "trigger",
        "version",
    ]));
    found.keep(application.text("description"));
    found.keep(check_authors(&application));
    found.keep(ignored_sections::check_targets(&application));
    found.keep(ignored_sections::check_tool(&application));
    found.keep(check_trigger_settings(&application, warnings));
    let name = application.require("name").and_then(|name| name.string());
    let name = found.keep(name).unwrap_or_default();
    let version = found.keep(application.text("version")).unwrap_or_default();
    found.or((name.to_owned(), version.to_owned()))
}

fn check_authors(application: &Table<'_>) -> Result<(), Diagnostics> {
    let authors = application.list("authors")?;
    collect_all(authors.iter().map(|author| author.string().map(drop)))
}

/// Checks `[application.trigger.<kind>]`: settings for all triggers of a kind. HTTP has only
/// `base`, which Spin still accepts if it is `/`.
fn check_trigger_settings(
    application: &Table<'_>,
    warnings: &mut Vec<String>,
) -> Result<(), Diagnostics> {
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
            let advice = "put the base before the `route` of each trigger";
            return Err(unsupported_form(&base, "", advice));
        }
        warnings.push(base.warning(format!("`{}` is deprecated", base.path)));
    }
    Ok(())
}
