//! The faults of a folder of manifests.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::kustomize::Built;
use super::references::{self, SecretKey};
use super::schemas::Schemas;
use super::sender;
use super::spin_apps;
use crate::support::{files_under, text_of};

/// Files that are documentation and not part of any build.
const EXAMPLE: &str = "secrets.example.yaml";

/// Returns the faults of `folder`, which is `deploy/spinkube` or a copy of it. `build` builds each of its
/// kustomizations.
pub fn of(
    folder: &Path,
    schemas: &Schemas,
    build: impl Fn(&Path, &Schemas) -> Built,
) -> Vec<String> {
    let (example, mut faults) = example(folder, schemas);
    let mut used = BTreeSet::new();
    let mut files = BTreeSet::from([folder.join(EXAMPLE).canonicalize().unwrap()]);
    let mut kinds = BTreeSet::from(["kustomization".to_owned(), "secret".to_owned()]);
    for overlay in overlays(folder) {
        let built = build(&overlay, schemas);
        let shown = overlay.strip_prefix(folder).unwrap().display();
        let found = one(&built, schemas, &mut used);
        faults.extend(found.into_iter().map(|fault| format!("{shown}: {fault}")));
        let built_kinds = built
            .documents
            .iter()
            .filter_map(|one| one["kind"].as_str());
        kinds.extend(built_kinds.map(str::to_lowercase));
        files.extend(built.files);
    }
    for file in files_under(folder) {
        if !files.contains(&file.canonicalize().unwrap()) {
            faults.push(format!("no kustomization uses `{}`", file.display()));
        }
    }
    let unused = schemas.kinds().filter(|kind| !kinds.contains(*kind));
    faults.extend(unused.map(|kind| format!("schema `{kind}` is unused")));
    for (name, key) in used.difference(&example) {
        faults.push(format!("{EXAMPLE} has no `{key}` of Secret `{name}`"));
    }
    for (name, key) in example.difference(&used) {
        faults.push(format!("`{key}` of Secret `{name}` in {EXAMPLE} is unused"));
    }
    faults
}

fn one(built: &Built, schemas: &Schemas, used: &mut BTreeSet<SecretKey>) -> Vec<String> {
    let mut faults = built.faults.clone();
    for document in &built.documents {
        faults.extend(schemas.faults(document));
    }
    let references = references::check(&built.documents);
    faults.extend(references.faults);
    faults.extend(spin_apps::faults(&built.documents));
    faults.extend(sender::faults(&built.documents));
    used.extend(references.secrets);
    faults
}

/// Returns the base and every overlay.
fn overlays(folder: &Path) -> Vec<PathBuf> {
    let overlays = std::fs::read_dir(folder.join("overlays")).unwrap();
    let overlays = overlays.map(|entry| entry.unwrap().path());
    std::iter::once(folder.join("base"))
        .chain(overlays)
        .collect()
}

fn example(folder: &Path, schemas: &Schemas) -> (BTreeSet<SecretKey>, Vec<String>) {
    let text = text_of(&folder.join(EXAMPLE));
    let documents: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    let faults = documents.iter().flat_map(|one| schemas.faults(one));
    let faults = faults.map(|fault| format!("{EXAMPLE}: {fault}")).collect();
    let keys = documents.iter().flat_map(|one| {
        let name = one["metadata"]["name"].as_str().unwrap_or_default();
        let keys = one["stringData"]
            .as_object()
            .into_iter()
            .flat_map(|data| data.keys());
        keys.map(|key| (name.to_owned(), key.clone()))
    });
    (keys.collect(), faults)
}
