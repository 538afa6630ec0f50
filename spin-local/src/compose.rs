//! Composing a component with the dependencies its manifest names, as Spin does at load: every
//! import that a dependency's name matches is joined to the dependency's export.

use anyhow::Context;
use wac_graph::types::{Package, SubtypeChecker, WorldId};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId};

use crate::componentize;
use crate::manifest::{Component, Dependency};

/// The component's bytes with its dependencies inside.
///
/// # Errors
/// A file cannot be read; a dependency matches no import, or two match the same one; a
/// dependency lacks the export, or its type does not fit; a dependency that does not inherit
/// the component's configuration imports something itself (Spin denies it those imports, which
/// `spin-local` does not do).
pub(crate) fn compose(component: &Component) -> anyhow::Result<Vec<u8>> {
    let source = componentize::read(&component.source)?;
    if component.dependencies.is_empty() {
        return Ok(source);
    }
    let mut composer = Composer::new(component, source)?;
    for dependency in &component.dependencies {
        composer
            .join(dependency)
            .with_context(|| format!("dependency `{}`", dependency.name))?;
    }
    composer.encode()
}

struct Composer<'a> {
    graph: CompositionGraph,
    component: &'a Component,
    world: WorldId,
    instance: NodeId,
    joined: Vec<(String, &'a Dependency)>,
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
            joined: Vec::new(),
        })
    }

    fn join(&mut self, dependency: &'a Dependency) -> anyhow::Result<()> {
        let imports = self.matching_imports(dependency)?;
        let source = componentize::read(&dependency.path)?;
        let name = format!("dependency-{}", self.joined.len());
        let (world, instance) = instantiate(&mut self.graph, &name, source)?;
        self.check_isolation(dependency, world)?;
        for import in imports {
            let export = dependency.export.clone().unwrap_or_else(|| import.clone());
            self.check_type(&import, world, &export)?;
            let export = self.graph.alias_instance_export(instance, &export)?;
            self.graph
                .set_instantiation_argument(self.instance, &import, export)?;
            self.joined.push((import, dependency));
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
            "component `{}` imports nothing of that name",
            self.component.id
        );
        for import in &imports {
            if let Some((_, other)) = self.joined.iter().find(|(joined, _)| joined == import) {
                anyhow::bail!("import `{import}` is already given by `{}`", other.name);
            }
        }
        Ok(imports)
    }

    fn check_isolation(&self, dependency: &Dependency, world: WorldId) -> anyhow::Result<()> {
        if dependency.inherit {
            return Ok(());
        }
        match self.graph.types()[world].imports.keys().next() {
            None => Ok(()),
            Some(import) => anyhow::bail!(
                "it imports `{import}`, and spin-local cannot run it without the configuration \
                 of component `{}`: set `dependencies_inherit_configuration = true`",
                self.component.id
            ),
        }
    }

    fn check_type(&self, import: &str, world: WorldId, export: &str) -> anyhow::Result<()> {
        let types = self.graph.types();
        let wanted = types[self.world].imports[import];
        let given = *types[world]
            .exports
            .get(export)
            .with_context(|| format!("it has no export `{export}`"))?;
        SubtypeChecker::new(&mut Default::default())
            .is_subtype(given, types, wanted, types)
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
        Ok(self.graph.encode(EncodeOptions::default())?)
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
