//! Reading components from WebAssembly files. A core module with WASI preview 1 imports, which the
//! Spin 2 and 3 Rust templates build for `wasm32-wasip1`, becomes a component through the adapter.

use std::borrow::Cow;
use std::path::Path;

use anyhow::Context;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasmparser::{Parser, Payload};

/// Reads a component, or converts a core module to one. `hint` is appended to the error for a
/// missing file.
///
/// # Errors
///
/// The file cannot be read, is not WebAssembly, or is a module with imports that no adapter
/// provides.
pub(crate) fn read(path: &Path, hint: &str) -> anyhow::Result<Vec<u8>> {
    let shown = path.display();
    let bytes = std::fs::read(path).with_context(|| {
        let hint = if path.exists() { "" } else { hint };
        format!("cannot read `{shown}`{hint}")
    })?;
    let component = as_component(&bytes).with_context(|| format!("cannot use `{shown}`"))?;
    check_wasi(&component).with_context(|| format!("cannot use `{shown}`"))?;
    Ok(component.into_owned())
}

fn as_component(bytes: &[u8]) -> anyhow::Result<Cow<'_, [u8]>> {
    if Parser::is_component(bytes) {
        return Ok(Cow::Borrowed(bytes));
    }
    anyhow::ensure!(
        Parser::is_core_wasm(bytes),
        "it is neither a WebAssembly component nor a module"
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

/// Checks the version of WASI. The error names the tools that build for WASI 0.2.
///
/// # Errors
///
/// The component imports or exports an interface of WASI 0.3, or of a draft of WASI 0.2.
fn check_wasi(component: &[u8]) -> anyhow::Result<()> {
    for name in interfaces(component)? {
        let Some((_, version)) = name.split_once('@').filter(|_| name.starts_with("wasi:")) else {
            continue;
        };
        anyhow::ensure!(
            !version.starts_with("0.3."),
            "it is built for WASI 0.3 (`{name}`), and spin-local runs WASI 0.2: build it with a \
             Spin SDK for WASI 0.2 (for Rust `spin-sdk` 3 to 5)"
        );
        anyhow::ensure!(
            !version.starts_with("0.2.0-rc-"),
            "it is built with Spin SDK 2 for a draft of WASI 0.2 (`{name}`): build it with a \
             later one (for Rust `spin-sdk` 3 to 5)"
        );
    }
    Ok(())
}

/// Returns the names of the imports and exports of a component.
fn interfaces(component: &[u8]) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(imports) if depth == 0 => {
                for import in imports {
                    names.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(exports) if depth == 0 => {
                for export in exports {
                    names.push(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(names)
}
