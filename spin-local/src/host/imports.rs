//! The imports of a component, checked against what the host has before the app serves.

use wasmtime::Engine;
use wasmtime::component::types::{ComponentInstance, ComponentItem};
use wasmtime::component::{Component, Linker, LinkerInstance, ResourceType};

use super::{State, denial};
use crate::compose::denied_interface;
use crate::terminal;

/// Interfaces beyond WASI that the host has.
const OFFERED: [&str; 5] = [
    "fermyon:spin/key-value@2.0.0",
    "fermyon:spin/redis@2.0.0",
    "fermyon:spin/sqlite@2.0.0",
    "fermyon:spin/variables@2.0.0",
    "spin:sqlite/sqlite@3.0.0",
];

/// Stands in for a resource of an interface that is missing or denied; no guest ever gets one.
struct Missing;

/// Links refusals for what a dependency is denied, and stand-ins for Spin's own interfaces that
/// are missing here, which it reports: the worlds of Spin's SDKs import them whether an app calls
/// them or not. A call to one ends the request.
///
/// # Errors
/// An import that is neither WASI's nor Spin's, which would not run on Spin either.
pub(super) fn settle(
    engine: &Engine,
    linker: &mut Linker<State>,
    component: &Component,
    id: &str,
) -> anyhow::Result<()> {
    let mut resources = Vec::new();
    for (name, import) in component.component_type().imports(engine) {
        let own = own_resources(&import.ty, engine, &mut resources);
        let known = name.starts_with("wasi:") || OFFERED.contains(&name);
        if known || only_names_types(&import.ty, engine) {
            continue;
        }
        let ComponentItem::ComponentInstance(interface) = import.ty else {
            anyhow::bail!("it imports `{name}`, which no dependency in the manifest gives");
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
            "it imports `{name}`, which no dependency in the manifest gives"
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

/// Returns the names of the resources that an import brings, and adds them to those of the imports
/// before it. A resource that is among those already is used under a further name.
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

/// An interface without functions or resources is there for its names alone and needs no one to
/// give it.
fn only_names_types(import: &ComponentItem, engine: &Engine) -> bool {
    match import {
        ComponentItem::Type(_) => true,
        ComponentItem::ComponentInstance(instance) => instance
            .exports(engine)
            .all(|(_, export)| matches!(export.ty, ComponentItem::Type(_))),
        _ => false,
    }
}

/// Links an interface: its own resources, of which there are none, and each function by
/// `link_function`.
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
