//! Tests that the modules of each crate import each other in one direction (`cycles.py`).
#![cfg(test)]

use std::fs;
use std::path::Path;
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
