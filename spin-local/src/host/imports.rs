//! What a component imports, against what the host has: the one is told apart from the other
//! before the app serves.

use wasmtime::Engine;
use wasmtime::component::types::{ComponentInstance, ComponentItem};
use wasmtime::component::{Component, Linker, ResourceType};

use super::State;

/// Interfaces beyond WASI that the host has.
const OFFERED: [&str; 5] = [
    "fermyon:spin/key-value@2.0.0",
    "fermyon:spin/redis@2.0.0",
    "fermyon:spin/sqlite@2.0.0",
    "fermyon:spin/variables@2.0.0",
    "spin:sqlite/sqlite@3.0.0",
];

/// Stands in for a resource of an interface that is missing; no guest ever gets one.
struct Missing;

/// Links stand-ins for Spin's own interfaces that are missing here, and says so: the worlds of
/// Spin's SDKs import them whether an app calls them or not. A call to one ends the request.
///
/// # Errors
/// An import that is neither WASI's nor Spin's, which would not run on Spin either.
pub(super) fn settle(
    engine: &Engine,
    linker: &mut Linker<State>,
    component: &Component,
    id: &str,
) -> anyhow::Result<()> {
    for (name, import) in component.component_type().imports(engine) {
        let known = name.starts_with("wasi:") || OFFERED.contains(&name);
        if known || only_names_types(&import.ty, engine) {
            continue;
        }
        let spins = name.starts_with("fermyon:spin/") || name.starts_with("spin:");
        match import.ty {
            ComponentItem::ComponentInstance(interface) if spins => {
                stand_in(engine, linker, name, &interface)?;
            }
            _ => anyhow::bail!("it imports `{name}`, which no dependency in the manifest gives"),
        }
        eprintln!(
            "component `{id}` imports `{name}`, which spin-local does not have: \
             a request that calls it is stopped"
        );
    }
    Ok(())
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

fn stand_in(
    engine: &Engine,
    linker: &mut Linker<State>,
    name: &str,
    interface: &ComponentInstance,
) -> wasmtime::Result<()> {
    let mut linked = linker.instance(name)?;
    for (item, export) in interface.exports(engine) {
        match export.ty {
            ComponentItem::ComponentFunc(_) => {
                let function = format!("{name}#{item}");
                linked.func_new(item, move |_, _, _, _| {
                    wasmtime::bail!("it called `{function}`, which spin-local does not have")
                })?;
            }
            ComponentItem::Resource(_) => {
                linked.resource(item, ResourceType::host::<Missing>(), |_, _| Ok(()))?;
            }
            _ => {}
        }
    }
    Ok(())
}
