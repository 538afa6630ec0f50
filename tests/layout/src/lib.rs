//! Tests that the modules of each crate import each other in one direction (`cycles.py`), that no test is left
//! out because its crate is built without tests, and that builds and tests share their dependencies.
#![cfg(test)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the circle that `cycles.py` finds in the sources below `folder`, if there is one.
fn circle(folder: &Path) -> Option<String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/cycles.py");
    let output = Command::new("python3").arg(script).arg(folder).output();
    let output = output.expect("python3 must be installed (Debian: apt-get install python3)");
    let text = String::from_utf8_lossy(&output.stderr)
        .trim_end()
        .to_owned();
    assert!(output.status.success() || text.contains(" -> "), "{text}");
    (!output.status.success()).then_some(text)
}

/// Returns the folders of the workspace's members, as its manifest lists them.
fn members(root: &Path) -> Vec<String> {
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let lines = manifest.lines().skip_while(|line| *line != "members = [");
    let lines = lines.skip(1).take_while(|line| *line != "]");
    lines
        .map(|line| line.trim_matches([' ', '"', ',']).to_owned())
        .collect()
}

#[test]
fn modules_of_a_crate_import_each_other_in_one_direction() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let sources: Vec<_> = members(&root)
        .iter()
        .map(|member| root.join(member).join("src"))
        .filter(|source| source.exists())
        .collect();
    assert!(sources.len() > 20, "only {} crates found", sources.len());
    let circles: Vec<_> = sources.iter().filter_map(|it| circle(it)).collect();
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn a_circle_through_a_re_export_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, text| fs::write(folder.path().join(file), text).unwrap();
    write("lib.rs", "mod a;\nmod b;\n\npub use b::B;\n");
    write("a.rs", "use super::B;\n\npub struct A(B);\n");
    write("b.rs", "use std::fs;\n\npub struct B;\n");
    assert_eq!(circle(folder.path()), None);
    write("b.rs", "use crate::{a::A};\n\npub struct B(A);\n");
    let found = circle(folder.path()).expect("a circle");
    assert!(
        found.contains("crate::a -> crate::b -> crate::a")
            || found.contains("crate::b -> crate::a -> crate::b"),
        "{found}"
    );
}

/// The members that run in production: `println!` and its kind panic when the reader of the output is gone.
#[test]
fn no_crate_that_runs_in_production_may_print_by_macro() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let is_other = |member: &String| {
        let others = ["benchmarks", "examples/", "tests/"];
        others.iter().any(|other| member.starts_with(other))
    };
    let mut members = members(&root);
    members.retain(|member| !is_other(member));
    assert!(members.len() > 15, "only {members:?} found");
    for member in members {
        let lib = fs::read_to_string(root.join(&member).join("src/lib.rs")).unwrap();
        // It cannot print without the standard library.
        let is_denied = lib.contains("clippy::disallowed_macros") || lib.contains("no_std");
        assert!(
            is_denied,
            "{member} does not deny `clippy::disallowed_macros`"
        );
    }
}

/// Returns the source files below `folder`.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries
        .flat_map(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() {
                return sources(&path);
            }
            let is_source = path.extension().is_some_and(|it| it == "rs");
            Vec::from_iter(is_source.then_some(path))
        })
        .collect()
}

/// Returns true if documentation in the source has an example that would run as a test.
fn has_example(source: &str) -> bool {
    let docs = source.lines().map(str::trim_start);
    let docs = docs.filter_map(|line| line.strip_prefix("///").or(line.strip_prefix("//!")));
    let fences = docs.filter_map(|line| line.trim().strip_prefix("```"));
    // Every second fence closes a block.
    let mut opening = fences.step_by(2);
    opening.any(|language| ["", "rust", "no_run", "should_panic"].contains(&language))
}

/// Returns the sections of a manifest: their names and their texts.
fn sections(manifest: &str) -> impl Iterator<Item = (&str, &str)> {
    manifest
        .split("\n[")
        .filter_map(|section| section.split_once("]\n"))
}

/// Returns what `cargo test` leaves out of the crate at `folder`: tests of a target with `test = false`, and
/// examples of a library with `doctest = false`.
fn left_out(folder: &Path) -> Vec<String> {
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    let mut found = Vec::new();
    for (name, text) in sections(&manifest) {
        let files = match name {
            "lib" => sources(&folder.join("src")),
            "[bin]" => vec![folder.join("src/main.rs")],
            _ => continue,
        };
        for file in files {
            let source = fs::read_to_string(&file).unwrap();
            let has_test = source.contains("#[test]") || source.contains("#[tokio::test");
            if text.contains("\ntest = false") || text.starts_with("test = false") {
                found.extend(has_test.then(|| format!("tests in {}", file.display())));
            }
            if text.contains("doctest = false") && has_example(&source) {
                found.push(format!("an example in {}", file.display()));
            }
        }
    }
    found
}

#[test]
fn no_crate_is_built_without_its_tests_and_examples() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let found: Vec<_> = members(&root)
        .iter()
        .flat_map(|member| left_out(&root.join(member)))
        .collect();
    assert!(found.is_empty(), "left out: {}", found.join(", "));
}

#[test]
fn a_test_and_an_example_of_a_crate_without_tests_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, text| fs::write(folder.path().join(file), text).unwrap();
    fs::create_dir(folder.path().join("src")).unwrap();
    write(
        "Cargo.toml",
        "[package]\n\n[lib]\ntest = false\ndoctest = false\n",
    );
    write(
        "src/lib.rs",
        "/// ```text\n/// no example\n/// ```\nfn f() {}\n",
    );
    assert_eq!(left_out(folder.path()), Vec::<String>::new());
    write(
        "src/lib.rs",
        "/// ```\n/// f();\n/// ```\n#[test]\nfn f() {}\n",
    );
    let found = left_out(folder.path());
    assert_eq!(found.len(), 2, "{found:?}");
}

/// Returns the dependencies of the workspace with their features, over edges of these kinds.
fn dependencies(root: &Path, kinds: &str) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(root)
        .args(["tree", "--locked", "--prefix", "none"])
        .args(["--format", "{p} {f}", "--edges", kinds])
        .output()
        .expect("cargo can be run");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| line.trim_end_matches(" (*)").to_owned())
        // Those of the workspace, which tests compile with features of their own, have a path.
        .filter(|line| !line.contains("(/"))
        .collect()
}

/// Otherwise the demos compile them, among them wasmtime, again after the tests, and tests after the demos.
#[test]
fn builds_and_tests_compile_dependencies_with_the_same_features() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let of_builds = dependencies(&root, "normal,build");
    let of_tests = dependencies(&root, "normal,build,dev");
    assert!(of_builds.len() > 300, "only {} found", of_builds.len());
    let differing: Vec<_> = of_builds.difference(&of_tests).collect();
    assert!(differing.is_empty(), "{differing:#?}");
}
