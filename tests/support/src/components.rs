//! Components and programs, built from the current tree.
//!
//! Each is built once per test process, with the same commands and into the same folder as by the
//! Makefile, so that a plain `cargo test` never tests the result of an earlier build.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::nested_cargo::without_package;

/// Returns the folder of the workspace.
pub fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors()
        .nth(2)
        .expect("this crate is two folders below the workspace")
}

/// Returns the HMAC component.
pub fn hmac() -> PathBuf {
    wasm("hmac_component")
}

/// Returns the component that uses every capability of its host.
pub fn probe() -> PathBuf {
    wasm("probe")
}

/// Returns the stopped wall clock.
pub fn clock() -> PathBuf {
    wasm("clock")
}

/// Returns the guard, and the component that verifies signatures for it.
pub fn guard() -> (PathBuf, PathBuf) {
    (wasm("webhook_guard"), hmac())
}

/// Builds the components, and returns the folder of the guarded app's manifest.
pub fn guarded_app() -> PathBuf {
    build_components();
    root().join("examples/guarded-app")
}

/// Builds the components, and returns the folder of the producer's manifest.
pub fn producer() -> PathBuf {
    build_components();
    root().join("webhook-producer")
}

/// Returns the file of statements that create the producer's tables.
pub fn migrations() -> PathBuf {
    root().join("migrations.sql")
}

/// Returns the file of statements that create the tables of the apps in PostgreSQL.
pub fn postgres_migrations() -> PathBuf {
    root().join("migrations.postgres.sql")
}

/// Builds the components, and returns the folder of the consumer's manifest.
pub fn consumer() -> PathBuf {
    build_components();
    root().join("webhook-consumer")
}

/// Builds the components of the apps that have their store on a server, and returns the manifest of `app`
/// for `store`, which is `postgres` or `redis`.
pub fn on_server(app: &str, store: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        build_wasm(&["hmac-component"]);
        let apps = ["webhook-producer", "webhook-consumer", "webhook-guard"];
        let packages = apps.iter().flat_map(|name| ["-p", name]);
        let arguments = [
            "--release",
            "--target",
            "wasm32-wasip2",
            "--no-default-features",
        ];
        let arguments: Vec<_> = arguments.into_iter().chain(packages).collect();
        cargo_build_into(&target().join("server-store"), &arguments);
    });
    root().join(app).join(format!("spin.{store}.toml"))
}

/// Returns the `spin-local` binary: the path in the environment variable `SPIN_LOCAL`, or one that is
/// built from the tree.
pub fn spin_local() -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    if let Some(given) = std::env::var_os("SPIN_LOCAL") {
        return given.into();
    }
    // Neither `-p spin-local` nor the binary alone: cargo unifies the features of dependencies over
    // the selected packages and targets, and any other selection than that of `cargo test` would
    // build wasmtime a second time. The test target adds the features that only tests need.
    BUILT.get_or_init(|| cargo_build(&["--bin", "spin-local", "--test", "wire"]));
    target().join("debug/spin-local")
}

/// Returns the `webhook-sender` binary, built from the tree like [`spin_local`].
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
        // Built separately: cargo unifies the features of dependencies over one command, and the
        // features of the other packages would link the standard library.
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

/// Returns the folder in which the manifests expect components, even if the environment redirects
/// other builds.
fn target() -> PathBuf {
    root().join("target")
}

fn cargo_build(arguments: &[&str]) {
    cargo_build_into(&target(), arguments);
}

fn cargo_build_into(folder: &Path, arguments: &[&str]) {
    let cargo = std::env::var_os("CARGO").unwrap_or(OsString::from("cargo"));
    let output = without_package(&mut Command::new(cargo))
        .current_dir(root())
        .arg("build")
        .args(arguments)
        .arg("--target-dir")
        .arg(folder)
        .output()
        .expect("cargo can be run");
    assert!(
        output.status.success(),
        "`cargo build {}` failed:\n{}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
}
