//! Compiling components and linking them to the capabilities of the host.

use anyhow::Context;
use wasmtime::Engine;
use wasmtime::component::{HasSelf, Linker};
use wasmtime_wasi_http::p2::bindings::ProxyPre;

use super::bindings;
use super::imports::link_imports;
use super::outbound_http::link_error_code;
use super::state::State;
use crate::compose;
use crate::engine::Limits;
use crate::manifest::Component;

/// Returns a linker with the interfaces that the host implements.
pub(super) fn linker(engine: &Engine) -> anyhow::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    link_error_code(&mut linker)?;
    bindings::Host_::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    Ok(linker)
}

/// Composes, compiles and links a component. Also returns the number of its instances that the
/// pool can hold at each depth.
///
/// # Errors
///
/// The component cannot be composed, has an import that the host does not have, or does not
/// export an HTTP handler.
pub(super) fn link(
    engine: &Engine,
    mut linker: Linker<State>,
    component: &Component,
    limits: &Limits,
) -> anyhow::Result<(ProxyPre<State>, Vec<u32>)> {
    let bytes = compose::compose(component)?;
    let compiled = wasmtime::component::Component::new(engine, bytes)?;
    link_imports(engine, &mut linker, &compiled, &component.id)?;
    let capacity = limits.instance_capacity(&compiled);
    let proxy = linker.instantiate_pre(&compiled).and_then(ProxyPre::new);
    let proxy = proxy
        .map_err(anyhow::Error::from)
        .context("it is not an HTTP component for WASI 0.2 that this host can run")?;
    Ok((proxy, capacity))
}
