//! `[component.<id>.dependencies]`: the components that satisfy imports.

use std::path::Path;

use config_diagnostics::{Diagnostics, Entry, Table, did_you_mean};

use super::app::Dependency;
use super::dependency_name::DependencyName;
use super::draft::Draft;
use crate::unsupported::unsupported_form;

/// The capabilities that a dependency can inherit, by their keys.
const CAPABILITIES: [&str; 7] = [
    "ai_models",
    "allowed_outbound_hosts",
    "environment",
    "files",
    "key_value_stores",
    "sqlite_databases",
    "variables",
];

/// The keys that a component of the app must not have if it is a dependency: composition would drop
/// them.
const RESOURCES: [&str; 9] = [
    "ai_models",
    "allowed_http_hosts",
    "allowed_outbound_hosts",
    "dependencies",
    "environment",
    "files",
    "key_value_stores",
    "sqlite_databases",
    "variables",
];

const DOWNLOAD: &str = "download it and name the file with `path`";

/// Reads the dependencies of `component`, some of which can be other `components` of the app.
pub(super) fn read_all(
    component: &Draft<'_>,
    components: &[Draft<'_>],
    dir: &Path,
) -> Result<Vec<Dependency>, Diagnostics> {
    let all_inherit = component.table.get("dependencies_inherit_configuration");
    if let Some(entry) = &all_inherit {
        entry.boolean()?;
    }
    let mut found = Diagnostics::default();
    let mut dependencies: Vec<Dependency> = Vec::new();
    for entry in component.table.map("dependencies")? {
        let dependency = read(component, components, dir, &entry, &all_inherit);
        let Some(dependency) = found.keep(dependency) else {
            continue;
        };
        let overlapping = dependencies
            .iter()
            .find(|one| one.name.overlaps(&dependency.name));
        if let Some(other) = overlapping {
            found.keep::<()>(Err(entry.fault(format!(
                "the dependencies `{}` and `{}` match the same imports",
                other.name, dependency.name
            ))));
        }
        dependencies.push(dependency);
    }
    found.or(dependencies)
}

fn read(
    component: &Draft<'_>,
    components: &[Draft<'_>],
    dir: &Path,
    entry: &Entry<'_>,
    all_inherit: &Option<Entry<'_>>,
) -> Result<Dependency, Diagnostics> {
    let name: DependencyName = entry
        .key
        .parse()
        .map_err(|error| entry.fault(format!("dependency {error}")))?;
    if entry.is_string() {
        return Err(from_registry(entry));
    }
    let owner = format!("component `{}`: dependency `{name}`", component.id);
    let table = entry.table()?.owned_by(owner);
    let source = source(&table, components)?;
    let export = table.get("export");
    if let (
        DependencyName::Package {
            interface: None, ..
        },
        Some(export),
    ) = (&name, &export)
    {
        return Err(export.fault("`export` requires a dependency with an interface in its name"));
    }
    Ok(Dependency {
        path: dir.join(source),
        export: export.map(|e| e.string().map(str::to_owned)).transpose()?,
        inherit: inherit(&table, all_inherit)?,
        name,
    })
}

fn from_registry(entry: &Entry<'_>) -> Diagnostics {
    entry.fault(format!(
        "dependency `{}` from a registry is not supported by spin-local: {DOWNLOAD}",
        entry.key
    ))
}

/// Returns the path of the file, as written.
fn source<'a>(table: &Table<'a>, components: &[Draft<'a>]) -> Result<&'a str, Diagnostics> {
    let unsupported = ["version", "registry", "package", "url", "digest"];
    if let Some(remote) = unsupported.iter().find_map(|key| table.get(key)) {
        return Err(unsupported_form(&remote, "", DOWNLOAD));
    }
    table.only(&["path", "component", "export", "inherit_configuration"])?;
    match (table.get("path"), table.get("component")) {
        (Some(path), None) => path.string(),
        (None, Some(id)) => source_of_component(&id, components),
        (None, None) => Err(table.fault("`path` or `component` is missing")),
        (Some(_), Some(id)) => Err(id.fault("`path` and `component` exclude each other")),
    }
}

fn source_of_component<'a>(
    id: &Entry<'_>,
    components: &[Draft<'a>],
) -> Result<&'a str, Diagnostics> {
    let wanted = id.string()?;
    let Some(found) = components.iter().find(|draft| draft.id == wanted) else {
        let ids = components.iter().map(|draft| draft.id.as_str());
        let nearest = did_you_mean(wanted, ids);
        return Err(id.fault(format!("there is no component `{wanted}`{nearest}")));
    };
    let is_set = |key: &&str| match found.table.get(key) {
        None => false,
        Some(entry) if entry.is_list() => entry.items().is_ok_and(|items| !items.is_empty()),
        Some(entry) => entry.table().is_ok_and(|table| !table.is_empty()),
    };
    let resources: Vec<_> = RESOURCES
        .iter()
        .filter(|key| is_set(key))
        .copied()
        .collect();
    if resources.is_empty() {
        return found.source();
    }
    Err(id.fault(format!(
        "component `{wanted}` cannot be a dependency: composition would drop its `{}`",
        resources.join("`, `")
    )))
}

/// Returns the inherited capabilities: all, none, or those in a list.
fn inherit(
    table: &Table<'_>,
    all_inherit: &Option<Entry<'_>>,
) -> Result<Vec<&'static str>, Diagnostics> {
    let all_or_none = |all: bool| {
        let inherited: &[&str] = if all { &CAPABILITIES } else { &[] };
        inherited.to_vec()
    };
    let Some(own) = table.get("inherit_configuration") else {
        let all = all_inherit.as_ref().map_or(Ok(false), |all| all.boolean());
        return all.map(all_or_none);
    };
    if all_inherit.is_some() {
        return Err(own.fault(
            "`inherit_configuration` and the component's `dependencies_inherit_configuration` \
             exclude each other",
        ));
    }
    if own.is_boolean() {
        return own.boolean().map(all_or_none);
    }
    own.items()?.iter().map(capability).collect()
}

fn capability(item: &Entry<'_>) -> Result<&'static str, Diagnostics> {
    let name = item.string()?;
    let known = CAPABILITIES.into_iter().find(|known| *known == name);
    known.ok_or_else(|| {
        let nearest = did_you_mean(name, CAPABILITIES);
        item.fault(format!(
            "`inherit_configuration`: unknown capability `{name}`{nearest}"
        ))
    })
}
