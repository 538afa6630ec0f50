//! The size of the component, and the share of each scheme.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use test_support::components;

use crate::table::{Table, verdict};

/// The size limit of the component in KiB.
const BAR: f64 = 120.0;

/// The features of `scheme-sizes`, each added to those above it.
const ADDED: [(&str, &str); 5] = [
    ("", "frame: allocator, canonical ABI"),
    ("plain", "`plain`, with SHA-256 and HMAC"),
    ("wss", "`wss`"),
    ("standard", "`standard`, `v1`"),
    ("v1a", "`standard`, `v1a`, with SHA-512 and ed25519"),
];

pub fn measure() -> anyhow::Result<Table> {
    let mut table = Table::new(
        "The component's size",
        format!(
            "What each scheme adds to those above it, signing and verifying, in a component of \
             nothing else (`benchmarks/sizes`), and `hmac-component` as it is handed out, whose \
             interfaces are the rest. The bar is {BAR} KiB."
        ),
        &["", "adds", "component", "bar"],
    );
    let mut before = 0;
    let mut features = String::new();
    for (feature, name) in ADDED {
        features = format!("{features},{feature}");
        let size = size_with(&features)?;
        let (added, none) = (size.saturating_sub(before), verdict(None));
        table.row(vec![name.to_owned(), kib(added), kib(size), none]);
        before = size;
    }
    let size = std::fs::metadata(components::hmac())?.len();
    table.row(vec![
        "`hmac_component.wasm`".to_owned(),
        String::new(),
        kib(size),
        verdict(Some(size as f64 <= BAR * 1024.0)),
    ]);
    Ok(table)
}

fn kib(bytes: u64) -> String {
    format!("{:.1} KiB", bytes as f64 / 1024.0)
}

fn size_with(features: &str) -> anyhow::Result<u64> {
    let target = components::root().join("target");
    let cargo = std::env::var_os("CARGO").map_or(PathBuf::from("cargo"), PathBuf::from);
    let output = Command::new(cargo)
        .current_dir(components::root())
        .args(["build", "--release", "--target", "wasm32-wasip2"])
        .args(["-p", "scheme-sizes", "--features", features])
        .arg("--target-dir")
        .arg(&target)
        .output()
        .context("cannot run cargo")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "`{features}`: {errors}");
    let built = target.join("wasm32-wasip2/release/scheme_sizes.wasm");
    Ok(std::fs::metadata(built)?.len())
}
