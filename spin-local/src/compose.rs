//! Composition of a component with its dependencies, as Spin does at load: each import that matches
//! the name of a dependency is connected to an export of the dependency.
//!
//! A dependency that does not inherit a capability of the component must not use it: its imports of
//! that capability are renamed, and the host refuses the calls of the renamed imports.

use anyhow::Context;
use wac_graph::types::{Interface, ItemKind, Package, SubtypeChecker, WorldId};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId};

use crate::componentize;
use crate::manifest::{Component, Dependency};

/// Returns the bytes of the component composed with its dependencies.
///
/// # Errors
///
/// A file cannot be read; a dependency matches no import, or two match the same one; a
/// dependency lacks the export, or its type does not fit.
pub(crate) fn compose(component: &Component) -> anyhow::Result<Vec<u8>> {
    let source = componentize::read(&component.source, &build_hint(component))?;
    if component.dependencies.is_empty() {
        return Ok(source);
    }
    let mut composer = Composer::new(component, source)?;
    for dependency in &component.dependencies {
        composer
            .connect(dependency)
            .with_context(|| format!("dependency `{}`", dependency.name))?;
    }
    composer.encode()
}

/// Returns advice for a component whose file is missing.
fn build_hint(component: &Component) -> String {
    match &component.build {
        Some(build) if !build.commands.is_empty() => format!(
            ", which `{}` builds: `--build` runs it first",
            build.commands.join("` and `")
        ),
        _ => ", and the component has no `build.command`: build it first".to_owned(),
    }
}

/// The namespace of the renamed imports that a dependency is denied.
const DENIED: &str = "denied:d";

/// The interfaces of each capability, by the key under which a dependency inherits it. A text that
/// ends in a slash is a prefix. Of the socket interfaces, those that create a socket suffice: the
/// others are useless without one.
const CAPABILITIES: [(&str, &[&str]); 7] = [
    ("ai_models", &["fermyon:spin/llm"]),
    (
        "allowed_outbound_hosts",
        &[
            "wasi:http/outgoing-handler",
            "wasi:sockets/ip-name-lookup",
            "wasi:sockets/tcp-create-socket",
            "wasi:sockets/udp-create-socket",
            "fermyon:spin/http",
            "fermyon:spin/mqtt",
            "fermyon:spin/mysql",
            "fermyon:spin/postgres",
            "fermyon:spin/redis",
            "spin:mqtt/",
            "spin:mysql/",
            "spin:postgres/",
            "spin:redis/",
        ],
    ),
    ("environment", &["wasi:cli/environment"]),
    ("files", &["wasi:filesystem/preopens"]),
    (
        "key_value_stores",
        &[
            "wasi:keyvalue/store",
            "fermyon:spin/key-value",
            "spin:key-value/",
        ],
    ),
    ("sqlite_databases", &["fermyon:spin/sqlite", "spin:sqlite/"]),
    (
        "variables",
        &[
            "wasi:config/store",
            "fermyon:spin/config",
            "fermyon:spin/variables",
            "spin:variables/",
        ],
    ),
];

/// Returns the capability of an import, or `None` if the import needs none.
fn capability(import: &str) -> Option<&'static str> {
    let name = import.split_once('@').map_or(import, |(name, _)| name);
    let covers = |known: &&str| *known == name || (known.ends_with('/') && name.starts_with(known));
    let found = CAPABILITIES
        .iter()
        .find(|(_, interfaces)| interfaces.iter().any(covers));
    found.map(|(capability, _)| *capability)
}

/// Returns the new name of a denied import of the dependency with this number.
fn denied_name(number: usize, import: &str) -> String {
    format!("{DENIED}{number}-{}", import.replacen(':', "-", 1))
}

/// Returns the denied interface without its version, if `name` is a renamed import.
pub(crate) fn denied_interface(name: &str) -> Option<String> {
    let (_, interface) = name.strip_prefix(DENIED)?.split_once('-')?;
    let interface = interface.split_once('@').map_or(interface, |(it, _)| it);
    Some(interface.replacen('-', ":", 1))
}

struct Composer<'a> {
    graph: CompositionGraph,
    component: &'a Component,
    world: WorldId,
    instance: NodeId,
    connected: Vec<(String, &'a Dependency)>,
}

impl<'a> Composer<'a> {
    fn new(component: &'a Component, source: Vec<u8>) -> anyhow::Result<Self> {
        let mut graph = CompositionGraph::new();
        let (world, instance) = instantiate(&mut graph, &component.id, source)?;
        Ok(Self {
            graph,
            component,
            world,
            instance,
            connected: Vec::new(),
        })
    }

    /// Connects the imports that match a dependency to its exports.
    fn connect(&mut self, dependency: &'a Dependency) -> anyhow::Result<()> {
        let imports = self.matching_imports(dependency)?;
        let source = componentize::read(&dependency.path, "")?;
        let name = format!("dependency-{}", self.connected.len());
        let (world, instance) = instantiate(&mut self.graph, &name, source)?;
        self.deny_capabilities(dependency, world, instance)?;
        for import in imports {
            let export = dependency.export.clone().unwrap_or_else(|| import.clone());
            self.check_type(&import, world, &export)?;
            let export = self.graph.alias_instance_export(instance, &export)?;
            self.graph
                .set_instantiation_argument(self.instance, &import, export)?;
            self.connected.push((import, dependency));
        }
        Ok(())
    }

    fn matching_imports(&self, dependency: &Dependency) -> anyhow::Result<Vec<String>> {
        let imports: Vec<String> = self.graph.types()[self.world]
            .imports
            .keys()
            .filter(|import| dependency.name.matches_import(import))
            .cloned()
            .collect();
        anyhow::ensure!(
            !imports.is_empty(),
            "component `{}` has no import that matches this name",
            self.component.id
        );
        for import in &imports {
            if let Some((_, other)) = self
                .connected
                .iter()
                .find(|(connected, _)| connected == import)
            {
                anyhow::bail!("import `{import}` is already satisfied by `{}`", other.name);
            }
        }
        Ok(imports)
    }

    /// Renames the imports of capabilities that the dependency does not inherit.
    fn deny_capabilities(
        &mut self,
        dependency: &Dependency,
        world: WorldId,
        instance: NodeId,
    ) -> anyhow::Result<()> {
        let imports = self.graph.types()[world].imports.iter();
        let is_denied =
            |import: &str| capability(import).is_some_and(|it| !dependency.inherit.contains(&it));
        let capabilities: Vec<(String, ItemKind)> = imports
            .filter(|(import, _)| is_denied(import))
            .map(|(import, kind)| (import.clone(), *kind))
            .collect();
        for (import, kind) in capabilities {
            let name = denied_name(self.connected.len(), &import);
            let kind = self.without_identity(kind);
            let refusal = self.graph.import(name, kind)?;
            self.graph
                .set_instantiation_argument(instance, &import, refusal)?;
        }
        Ok(())
    }

    /// Returns the type of an interface without its identifier. The encoder imports an interface
    /// once for all instances with the same identifier, whatever their names: with the identifier,
    /// the renamed import would be the interface that the component itself imports.
    fn without_identity(&mut self, kind: ItemKind) -> ItemKind {
        let ItemKind::Instance(id) = kind else {
            return kind;
        };
        let types = self.graph.types_mut();
        let interface = Interface {
            id: None,
            ..types[id].clone()
        };
        ItemKind::Instance(types.add_interface(interface))
    }

    fn check_type(&self, import: &str, world: WorldId, export: &str) -> anyhow::Result<()> {
        let types = self.graph.types();
        let expected = types[self.world].imports[import];
        let actual = *types[world]
            .exports
            .get(export)
            .with_context(|| format!("it has no export `{export}`"))?;
        SubtypeChecker::new(&mut Default::default())
            .is_subtype(actual, types, expected, types)
            .with_context(|| format!("its export `{export}` does not fit import `{import}`"))
    }

    fn encode(mut self) -> anyhow::Result<Vec<u8>> {
        let exports: Vec<String> = self.graph.types()[self.world]
            .exports
            .keys()
            .cloned()
            .collect();
        for name in exports {
            let export = self.graph.alias_instance_export(self.instance, &name)?;
            self.graph.export(export, &name)?;
        }
        // Without a validation: the engine validates what it compiles.
        let options = EncodeOptions {
            validate: false,
            ..EncodeOptions::default()
        };
        Ok(self.graph.encode(options)?)
    }
}

fn instantiate(
    graph: &mut CompositionGraph,
    name: &str,
    bytes: Vec<u8>,
) -> anyhow::Result<(WorldId, NodeId)> {
    let package = Package::from_bytes(name, None, bytes, graph.types_mut())?;
    let world = package.ty();
    let id = graph.register_package(package)?;
    Ok((world, graph.instantiate(id)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;

    /// Interfaces that both components below import: one with functions, one with a resource.
    const SHARED: &str = r#"
        (import "wasi:cli/environment@0.2.6" (instance
            (export "get-environment" (func (result (list (tuple string string)))))))
        (import "fermyon:spin/key-value@2.0.0" (instance
            (export "store" (type $store (sub resource)))
            (export "open" (func (result (own $store))))))"#;

    const PARENT: &str = r#"(import "test:dependency/work" (instance (export "run" (func))))"#;

    const DEPENDENCY: &str = r#"
        (core module $module (func (export "run")))
        (core instance $instance (instantiate $module))
        (func $run (canon lift (core func $instance "run")))
        (instance $work (export "run" (func $run)))
        (export "test:dependency/work" (instance $work))"#;

    /// Returns the imports of the parent composed with the dependency.
    fn composed_imports(inherit: &[&'static str]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            let component = format!("(component {SHARED} {text})");
            std::fs::write(&path, wat::parse_str(component).unwrap()).unwrap();
            path
        };
        let dependency = Dependency {
            name: "test:dependency/work".parse().unwrap(),
            path: file("dependency.wasm", DEPENDENCY),
            export: None,
            inherit: inherit.to_vec(),
        };
        let bytes = compose(&parent(&file("parent.wasm", PARENT), dependency)).unwrap();
        let engine = wasmtime::Engine::default();
        let composed = wasmtime::component::Component::new(&engine, bytes).unwrap();
        let ty = composed.component_type();
        let names = ty.imports(&engine).map(|(name, _)| name.to_owned());
        names.collect()
    }

    fn parent(source: &Path, dependency: Dependency) -> Component {
        Component {
            id: "parent".to_owned(),
            description: String::new(),
            source: source.to_owned(),
            triggered: true,
            dependencies: vec![dependency],
            environment: Vec::new(),
            files: Vec::new(),
            exclude_files: Vec::new(),
            build: None,
            key_value_stores: Vec::new(),
            sqlite_databases: Vec::new(),
            allowed_outbound_hosts: Vec::new(),
            variables: BTreeMap::new(),
        }
    }

    #[test]
    fn a_denied_import_is_separate_from_the_same_import_of_the_parent() {
        let own = ["wasi:cli/environment@0.2.6", "fermyon:spin/key-value@2.0.0"];
        let denied = [denied_name(0, own[0]), denied_name(0, own[1])];
        for (inherit, expected) in [
            (&[][..], &denied[..]),
            (&["environment"], &denied[1..]),
            (&["key_value_stores"], &denied[..1]),
            (&["environment", "key_value_stores"], &[]),
        ] {
            let mut expected = expected.to_vec();
            expected.extend(own.map(str::to_owned));
            let mut imports = composed_imports(inherit);
            imports.sort();
            expected.sort();
            assert_eq!(imports, expected, "{inherit:?}");
        }
    }

    #[test]
    fn imports_are_assigned_to_their_capabilities() {
        for (import, expected) in [
            ("wasi:cli/environment@0.2.6", Some("environment")),
            (
                "wasi:sockets/tcp-create-socket@0.2.0",
                Some("allowed_outbound_hosts"),
            ),
            (
                "spin:postgres/postgres@4.2.0",
                Some("allowed_outbound_hosts"),
            ),
            ("spin:sqlite/sqlite@3.0.0", Some("sqlite_databases")),
            ("fermyon:spin/variables@2.0.0", Some("variables")),
            ("fermyon:spin/llm", Some("ai_models")),
            ("wasi:clocks/wall-clock@0.2.6", None),
            ("wasi:cli/stderr@0.2.6", None),
        ] {
            assert_eq!(capability(import), expected, "{import}");
        }
    }

    #[test]
    fn a_denied_import_names_the_denied_interface() {
        for (import, expected) in [
            ("wasi:cli/environment@0.2.6", "wasi:cli/environment"),
            ("fermyon:spin/key-value@2.0.0", "fermyon:spin/key-value"),
        ] {
            assert_eq!(
                denied_interface(&denied_name(10, import)).unwrap(),
                expected
            );
        }
        assert_eq!(denied_interface("wasi:cli/environment@0.2.6"), None);
    }
}
