//! Builds every file under `spinkube/` with kustomize, and renders the chart of `helm/` with Helm;
//! validates the resources with `schemas/`, and checks their references.

mod chart;
mod faults;
mod helm;
mod kustomize;
mod published;
mod references;
mod schemas;
mod sender;
mod spin_apps;
#[path = "../support/mod.rs"]
mod support;

use std::path::PathBuf;
use std::sync::LazyLock;

use schemas::Schemas;
use support::{copy_folder, files_under, root, text_of, toml_of};

#[test]
fn every_manifest_is_valid_reachable_and_has_resolvable_references() {
    let faults = faults::of(&manifests(), schemas(), kustomize::build_with_kustomize);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Each case is an edit that introduces a fault: `file`, `replace`, `with`, and a part of the expected
/// `fault`. Kustomize is not run: it would build every overlay again for each case.
#[test]
fn every_introduced_fault_is_found() {
    let cases = files_under(&root().join("tests/deploy/tests/cases"));
    assert!(cases.len() >= 20, "{} cases", cases.len());
    for path in cases {
        let case = toml_of(path.strip_prefix(root()).unwrap().to_str().unwrap());
        let text = |key: &str| case[key].as_str().unwrap();
        let folder = tempfile::tempdir().unwrap();
        copy_folder(&manifests(), folder.path());
        let file = folder.path().join(text("file"));
        let before = text_of(&file);
        let after = before.replace(text("replace"), text("with"));
        assert_ne!(before, after, "`{}` changes nothing", path.display());
        std::fs::write(&file, after).unwrap();

        let faults = faults::of(folder.path(), schemas(), kustomize::build);
        let found = faults.iter().any(|fault| fault.contains(text("fault")));
        assert!(found, "`{}`: found only {faults:#?}", path.display());
    }
}

#[test]
fn a_file_that_no_kustomization_uses_is_found() {
    let folder = tempfile::tempdir().unwrap();
    copy_folder(&manifests(), folder.path());
    std::fs::write(folder.path().join("base/stray.yaml"), "kind: Stray\n").unwrap();
    let faults = faults::of(folder.path(), schemas(), kustomize::build);
    assert!(
        faults.iter().any(|fault| fault.contains("stray.yaml")),
        "{faults:?}"
    );
}

/// Our own schemas have only the fields that are used, so their faults come first.
#[test]
fn the_schemas_of_kubernetes_find_faults_by_themselves() {
    let Some(published) = published::Published::available() else {
        return;
    };
    let mut service = serde_json::json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": "s" },
        "spec": { "ports": [{ "port": 80 }] },
    });
    assert_eq!(published.faults(&service), [""; 0]);
    service["spec"]["ports"][0]["port"] = "http".into();
    let faults = published.faults(&service);
    assert!(faults[0].contains("/spec/ports/0/port"), "{faults:?}");
    service["spec"] = serde_json::json!({ "portz": [] });
    let faults = published.faults(&service);
    assert!(faults[0].contains("portz"), "{faults:?}");
    service["apiVersion"] = "v2".into();
    let faults = published.faults(&service);
    assert!(faults[0].contains("no schema"), "{faults:?}");
}

fn manifests() -> PathBuf {
    root().join("deploy/spinkube")
}

/// Returns the schemas, which are compiled once.
fn schemas() -> &'static Schemas {
    static LOADED: LazyLock<Schemas> =
        LazyLock::new(|| Schemas::load(&root().join("tests/deploy/schemas")));
    &LOADED
}
