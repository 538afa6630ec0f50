//! The imports of a component, checked against the interfaces of the host at start.

use wasmtime::Engine;
use wasmtime::component::types::{ComponentInstance, ComponentItem};
use wasmtime::component::{Component, Linker, LinkerInstance, ResourceType};

use super::denial;
use super::state::State;
use crate::compose::denied_interface;
use crate::terminal;

/// The interfaces of the host in addition to WASI.
const PROVIDED: [&str; 9] = [
    "fermyon:spin/key-value@2.0.0",
    "fermyon:spin/postgres@2.0.0",
    "fermyon:spin/redis@2.0.0",
    "fermyon:spin/sqlite@2.0.0",
    "fermyon:spin/variables@2.0.0",
    "spin:postgres/postgres@3.0.0",
    // The linker provides a later minor version for an earlier one.
    "spin:postgres/postgres@4.0.0",
    "spin:postgres/postgres@4.1.0",
    "spin:sqlite/sqlite@3.0.0",
];

/// A stand-in for a resource of an interface that is missing or denied. It has no instances.
struct Missing;

/// Links refusals for the interfaces that a dependency is denied, and stand-ins for interfaces of
/// Spin that this host does not have, which it reports. The worlds of Spin's SDKs import those even
/// if an app never calls them. A call to a stand-in ends the request.
///
/// # Errors
///
/// An import that is neither WASI's nor Spin's, which would not run on Spin either.
pub(super) fn link_imports(
    engine: &Engine,
    linker: &mut Linker<State>,
    component: &Component,
    id: &str,
) -> anyhow::Result<()> {
    let mut resources = Vec::new();
    for (name, import) in component.component_type().imports(engine) {
        let own = own_resources(&import.ty, engine, &mut resources);
        let known = name.starts_with("wasi:") || PROVIDED.contains(&name);
        if known || only_defines_types(&import.ty, engine) {
            continue;
        }
        let ComponentItem::ComponentInstance(interface) = import.ty else {
            anyhow::bail!("it imports `{name}`, and no dependency in the manifest provides it");
        };
        let mut linked = linker.instance(name)?;
        if let Some(denied) = denied_interface(name) {
            stand_in(engine, &mut linked, &interface, &own, |linked, item| {
                denial::refuse(linked, item, &denied)
            })?;
            continue;
        }
        anyhow::ensure!(
            name.starts_with("fermyon:spin/") || name.starts_with("spin:"),
            "it imports `{name}`, and no dependency in the manifest provides it"
        );
        stand_in(engine, &mut linked, &interface, &own, |linked, item| {
            stop(linked, item, name)
        })?;
        terminal::line(format_args!(
            "component `{id}` imports `{name}`, which spin-local does not have: \
             a request that calls it is stopped"
        ));
    }
    Ok(())
}

/// Returns the names of the resources that an import defines, and adds the resources to those of
/// earlier imports. A resource that is among those is only another name for it.
fn own_resources(
    import: &ComponentItem,
    engine: &Engine,
    resources: &mut Vec<ResourceType>,
) -> Vec<String> {
    let ComponentItem::ComponentInstance(interface) = import else {
        return Vec::new();
    };
    let mut own = Vec::new();
    for (item, export) in interface.exports(engine) {
        if let ComponentItem::Resource(resource) = export.ty
            && !resources.contains(&resource)
        {
            resources.push(resource);
            own.push(item.to_owned());
        }
    }
    own
}

/// Returns `true` for an interface without functions and resources, which needs no implementation.
fn only_defines_types(import: &ComponentItem, engine: &Engine) -> bool {
    match import {
        ComponentItem::Type(_) => true,
        ComponentItem::ComponentInstance(instance) => instance
            .exports(engine)
            .all(|(_, export)| matches!(export.ty, ComponentItem::Type(_))),
        _ => false,
    }
}

/// Links an interface: its own resources without instances, and each function by `link_function`.
fn stand_in(
    engine: &Engine,
    linked: &mut LinkerInstance<'_, State>,
    interface: &ComponentInstance,
    own_resources: &[String],
    link_function: impl Fn(&mut LinkerInstance<'_, State>, &str) -> wasmtime::Result<()>,
) -> wasmtime::Result<()> {
    for resource in own_resources {
        linked.resource(resource, ResourceType::host::<Missing>(), |_, _| Ok(()))?;
    }
    for (item, export) in interface.exports(engine) {
        if let ComponentItem::ComponentFunc(_) = export.ty {
            link_function(linked, item)?;
        }
    }
    Ok(())
}

/// Links a function that ends the request.
fn stop(
    linked: &mut LinkerInstance<'_, State>,
    item: &str,
    interface: &str,
) -> wasmtime::Result<()> {
    let function = format!("{interface}#{item}");
    linked.func_new(item, move |_, _, _, _| {
        wasmtime::bail!("it called `{function}`, which spin-local does not have")
    })
}
