//! `[component.<id>]`: what a component is and may use.

use std::collections::BTreeMap;
use std::path::Path;

use super::identifier::{is_kebab, is_label, is_lower_snake};
use super::{Component, build, dependency, files, hosts, unread};
use crate::toml_text::{Entry, Fault, Table};
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

/// A component of which only the name has been read: the others may refer to it.
pub(super) struct Draft<'a> {
    pub(super) id: String,
    pub(super) table: Table<'a>,
    pub(super) triggered: bool,
}

/// What the components of an app share.
pub(super) struct Surroundings<'a> {
    pub(super) dir: &'a Path,
    pub(super) variables: &'a Variables,
    /// Environment variables that every component gets.
    pub(super) environment: &'a [(String, String)],
}

impl<'a> Draft<'a> {
    pub(super) fn new(id: String, table: &Table<'a>) -> Self {
        let table = table.of(format!("component `{id}`"));
        Self {
            id,
            table,
            triggered: false,
        }
    }

    /// The file of the component, as written.
    pub(super) fn source(&self) -> Result<&'a str, Fault> {
        let source = self.table.require("source")?;
        let from = match source.table() {
            Ok(table) if table.get("url").is_some() => " from a URL",
            Ok(table) if table.get("package").is_some() => " from a registry",
            _ => return source.string(),
        };
        Err(source.unsupported_form(from, "download the component and name the file"))
    }
}

/// The components that have a table of their own.
pub(super) fn drafts<'a>(root: &Table<'a>) -> Result<Vec<Draft<'a>>, Fault> {
    let draft = |entry: Entry<'a>| {
        let id = entry.key;
        if is_kebab(id) {
            Ok(Draft::new(id.to_owned(), &entry.table()?))
        } else {
            Err(entry.fault(format!("component `{id}` must be named in kebab-case")))
        }
    };
    root.map("component")?.into_iter().map(draft).collect()
}

/// Reads one of `drafts` to its end.
pub(super) fn read(
    draft: &Draft<'_>,
    drafts: &[Draft<'_>],
    around: &Surroundings<'_>,
    warnings: &mut Vec<String>,
) -> Result<Component, Fault> {
    let table = &draft.table;
    table.only(&KEYS)?;
    refuse_unsupported(table)?;
    unread::check_profiles(table)?;
    unread::check_targets(table)?;
    unread::check_tool(table)?;
    Ok(Component {
        id: draft.id.clone(),
        description: table.text("description")?.to_owned(),
        source: around.dir.join(draft.source()?),
        triggered: draft.triggered,
        dependencies: dependency::read_all(draft, drafts, around.dir)?,
        environment: environment(table, around.environment)?,
        files: files::read(table, around.dir)?,
        exclude_files: files::read_excluded(table)?,
        build: build::read(table)?,
        key_value_stores: labels(table, "key_value_stores")?,
        sqlite_databases: labels(table, "sqlite_databases")?,
        allowed_outbound_hosts: hosts::read(table, drafts, around.variables, warnings)?,
        variables: variables(table, around.variables)?,
    })
}

/// A list that must be empty: an empty one asks for nothing.
fn refuse_unsupported(table: &Table<'_>) -> Result<(), Fault> {
    match table.get("ai_models") {
        Some(models) if !models.items()?.is_empty() => Err(models.unsupported()),
        _ => Ok(()),
    }
}

fn environment(
    table: &Table<'_>,
    given: &[(String, String)],
) -> Result<Vec<(String, String)>, Fault> {
    let mut values = BTreeMap::new();
    for entry in table.map("environment")? {
        values.insert(entry.key.to_owned(), entry.string()?.to_owned());
    }
    values.extend(given.iter().cloned());
    Ok(values.into_iter().collect())
}

fn labels(table: &Table<'_>, key: &str) -> Result<Vec<String>, Fault> {
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
    table.list(key)?.into_iter().map(label).collect()
}

fn variables(table: &Table<'_>, known: &Variables) -> Result<BTreeMap<String, String>, Fault> {
    let value = |entry: Entry<'_>| {
        let name = entry.key;
        if !is_lower_snake(name) {
            return Err(entry.fault(format!("`{}` must be in lower_snake_case", entry.path)));
        }
        let value = Template::parse(entry.string()?).and_then(|text| text.fill(known));
        let value = value.map_err(|error| entry.fault(format!("`{}`: {error}", entry.path)))?;
        Ok((name.to_owned(), value))
    };
    table.map("variables")?.into_iter().map(value).collect()
}
