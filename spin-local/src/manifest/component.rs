//! `[component.<id>]`: a component and its capabilities.

use std::collections::BTreeMap;
use std::path::Path;

use config_diagnostics::{Diagnostics, Entry, Table, collect_all};

use super::app::Component;
use super::draft::Draft;
use super::identifier::{is_label, is_lower_snake};
use super::{build, dependency, files, hosts, ignored_sections};
use crate::unsupported::unsupported;
use crate::variables::{Template, Variables};

/// The keys of a component.
const KEYS: [&str; 17] = [
    "ai_models",
    "allowed_http_hosts",
    "allowed_outbound_hosts",
    "build",
    "dependencies",
    "dependencies_inherit_configuration",
    "description",
    "environment",
    "exclude_files",
    "files",
    "key_value_stores",
    "profile",
    "source",
    "sqlite_databases",
    "targets",
    "tool",
    "variables",
];

/// The parts of the app that its components share.
pub(super) struct Context<'a> {
    pub(super) dir: &'a Path,
    pub(super) variables: &'a Variables,
    /// Environment variables for every component.
    pub(super) environment: &'a [(String, String)],
}

/// Reads one of `drafts` completely.
pub(super) fn read(
    draft: &Draft<'_>,
    drafts: &[Draft<'_>],
    context: &Context<'_>,
    warnings: &mut Vec<String>,
) -> Result<Component, Diagnostics> {
    let table = &draft.table;
    let mut found = Diagnostics::default();
    found.keep(table.only(&KEYS));
    found.keep(check_ai_models(table));
    found.keep(ignored_sections::check_profiles(table));
    found.keep(ignored_sections::check_targets(table));
    found.keep(ignored_sections::check_tool(table));
    let description = found.keep(table.text("description"));
    let source = found.keep(draft.source());
    let dependencies = found.keep(dependency::read_all(draft, drafts, context.dir));
    let environment = found.keep(environment(table, context.environment));
    let files = found.keep(files::read(table, context.dir));
    let exclude_files = found.keep(files::read_excluded(table));
    let build = found.keep(build::read(table));
    let key_value_stores = found.keep(labels(table, "key_value_stores"));
    let sqlite_databases = found.keep(labels(table, "sqlite_databases"));
    let hosts = found.keep(hosts::read(table, drafts, context.variables, warnings));
    let variables = found.keep(variables(table, context.variables));
    // A default stands only for a part with a fault, and then `found` is returned instead.
    found.or(Component {
        id: draft.id.clone(),
        description: description.unwrap_or_default().to_owned(),
        source: context.dir.join(source.unwrap_or_default()),
        triggered: draft.triggered,
        dependencies: dependencies.unwrap_or_default(),
        environment: environment.unwrap_or_default(),
        files: files.unwrap_or_default(),
        exclude_files: exclude_files.unwrap_or_default(),
        build: build.unwrap_or_default(),
        key_value_stores: key_value_stores.unwrap_or_default(),
        sqlite_databases: sqlite_databases.unwrap_or_default(),
        allowed_outbound_hosts: hosts.unwrap_or_default(),
        variables: variables.unwrap_or_default(),
    })
}

/// Accepts an empty list of models only: it requests nothing.
fn check_ai_models(table: &Table<'_>) -> Result<(), Diagnostics> {
    match table.get("ai_models") {
        Some(models) if !models.items()?.is_empty() => Err(unsupported(&models)),
        _ => Ok(()),
    }
}

fn environment(
    table: &Table<'_>,
    overrides: &[(String, String)],
) -> Result<Vec<(String, String)>, Diagnostics> {
    let pair = |entry: Entry<'_>| Ok((entry.key.to_owned(), entry.string()?.to_owned()));
    let entries = table.map("environment")?;
    let mut values: BTreeMap<_, _> = collect_all(entries.into_iter().map(pair))?;
    values.extend(overrides.iter().cloned());
    Ok(values.into_iter().collect())
}

fn labels(table: &Table<'_>, key: &str) -> Result<Vec<String>, Diagnostics> {
    let label = |entry: Entry<'_>| {
        let label = entry.string()?;
        if is_label(label) {
            Ok(label.to_owned())
        } else {
            Err(entry.fault(format!(
                "`{key}`: `{label}` must be in kebab-case or snake_case"
            )))
        }
    };
    collect_all(table.list(key)?.into_iter().map(label))
}

fn variables(
    table: &Table<'_>,
    known: &Variables,
) -> Result<BTreeMap<String, String>, Diagnostics> {
    let value = |entry: Entry<'_>| {
        let name = entry.key;
        if !is_lower_snake(name) {
            return Err(entry.fault(format!("`{}` must be in lower_snake_case", entry.path)));
        }
        let value = Template::parse(entry.string()?).and_then(|text| text.fill(known));
        let value = value.map_err(|error| entry.fault(format!("`{}`: {error}", entry.path)))?;
        Ok((name.to_owned(), value))
    };
    collect_all(table.map("variables")?.into_iter().map(value))
}
