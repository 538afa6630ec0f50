//! The components and the runtime, built from the tree as it stands.
//!
//! Each is built once a test process, by the same commands and into the same folder as the
//! Makefile's, so that a plain `cargo test` never tests what an earlier build left behind.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The folder of the workspace.
pub fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors()
        .nth(2)
        .expect("this crate is two folders below the workspace")
}

/// The HMAC component.
pub fn hmac() -> PathBuf {
    wasm("hmac_component")
}

/// The component that exercises every capability of its host.
pub fn probe() -> PathBuf {
    wasm("probe")
}

/// The component that is a wall clock standing still.
pub fn clock() -> PathBuf {
    wasm("clock")
}

/// The guard, and the component it asks about signatures.
pub fn guard() -> (PathBuf, PathBuf) {
    (wasm("webhook_guard"), hmac())
}

/// The folder of the guarded app's manifest, its components built.
pub fn guarded_app() -> PathBuf {
    build_components();
    root().join("examples/guarded-app")
}

/// The folder of the producer's manifest, its components built.
pub fn producer() -> PathBuf {
    build_components();
    root().join("webhook-producer")
}

/// The statements that make the producer's tables.
pub fn migrations() -> PathBuf {
    root().join("migrations.sql")
}

/// The folder of the consumer's manifest, its components built.
pub fn consumer() -> PathBuf {
    build_components();
    root().join("webhook-consumer")
}

/// The `spin-local` binary: the one the environment variable `SPIN_LOCAL` names, or else one
/// built from the tree.
pub fn spin_local() -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    if let Some(given) = std::env::var_os("SPIN_LOCAL") {
        return given.into();
    }
    // Not `-p spin-local`, nor the binary alone: cargo turns on those features of dependencies
    // that its selection of packages and targets needs, and with any other selection than the one
    // of `cargo test` wasmtime would be built a second time. A test target brings in the features
    // that only tests need.
    BUILT.get_or_init(|| cargo_build(&["--bin", "spin-local", "--test", "wire"]));
    target().join("debug/spin-local")
}

/// The `webhook-sender` binary, built from the tree as [`spin_local`] is.
pub fn webhook_sender() -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| cargo_build(&["--bin", "webhook-sender", "--test", "wire"]));
    target().join("debug/webhook-sender")
}

fn wasm(name: &str) -> PathBuf {
    build_components();
    target().join(format!("wasm32-wasip2/release/{name}.wasm"))
}

fn build_components() {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        // By itself: cargo gives a dependency the features that any package of one command asks
        // for, and what others ask for brings the standard library, which it does without.
        build_wasm(&["hmac-component"]);
        build_wasm(&[
            "webhook-producer",
            "webhook-consumer",
            "webhook-guard",
            "guarded-app",
            "clock",
            "probe",
        ]);
    });
}

fn build_wasm(crates: &[&str]) {
    let mut arguments = vec!["--release", "--target", "wasm32-wasip2"];
    arguments.extend(crates.iter().flat_map(|name| ["-p", name]));
    cargo_build(&arguments);
}

/// Where the manifests look for components, wherever the environment sends other builds.
fn target() -> PathBuf {
    root().join("target")
}

fn cargo_build(arguments: &[&str]) {
    let cargo = std::env::var_os("CARGO").unwrap_or(OsString::from("cargo"));
    let output = Command::new(cargo)
        .current_dir(root())
        .arg("build")
        .args(arguments)
        .arg("--target-dir")
        .arg(target())
        .output()
        .expect("cargo can be run");
    assert!(
        output.status.success(),
        "`cargo build {}` failed:\n{}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
}
