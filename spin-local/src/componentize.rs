//! Components from what `source` names: a component as it is, a core module with WASI preview 1
//! imports (what the Spin 2 and 3 Rust templates build for `wasm32-wasip1`) through the adapter.

use std::borrow::Cow;
use std::path::Path;

use anyhow::Context;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};

/// Reads a component, wrapping a core module as one.
///
/// # Errors
/// The file cannot be read, is no WebAssembly, or is a module that imports what no adapter
/// gives.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let component =
        as_component(&bytes).with_context(|| format!("`{}` is not usable", path.display()))?;
    Ok(component.into_owned())
}

fn as_component(bytes: &[u8]) -> anyhow::Result<Cow<'_, [u8]>> {
    if wasmparser::Parser::is_component(bytes) {
        return Ok(Cow::Borrowed(bytes));
    }
    anyhow::ensure!(
        wasmparser::Parser::is_core_wasm(bytes),
        "neither a WebAssembly component nor a module"
    );
    let component = wit_component::ComponentEncoder::default()
        .validate(true)
        .module(bytes)?
        .adapter(
            WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME,
            WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
        )?
        .encode()?;
    Ok(Cow::Owned(component))
}
