//! The subset of kustomize that the folder uses: resources, generated ConfigMaps, merge patches (RFC
//! 7386), namespace, images and replicas. The schema of kustomizations refuses everything else.
//!
//! It finds the faults of each kustomization, and the files that none uses. The resources come from
//! kustomize itself where `kustomize` or `kubectl` is installed ([`build_with_kustomize`]).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value, json};

use super::helm::found;
use super::schemas::Schemas;
use crate::support::text_of;

/// The result of a kustomization.
#[derive(Default)]
pub struct Built {
    pub documents: Vec<Value>,
    /// The files of which it was built.
    pub files: BTreeSet<PathBuf>,
    pub faults: Vec<String>,
}

/// Builds the kustomization of `folder`.
pub fn build(folder: &Path, schemas: &Schemas) -> Built {
    let mut built = Built::default();
    let file = folder.join("kustomization.yaml");
    let Some(kustomization) = built.documents_of(&file).into_iter().next() else {
        return built;
    };
    let faults = schemas.faults(&kustomization);
    let shown = |fault| format!("{}: {fault}", file.display());
    built.faults.extend(faults.into_iter().map(shown));
    for resource in texts(&kustomization["resources"], None) {
        built.add(&folder.join(resource), schemas);
    }
    for generator in list(&kustomization["configMapGenerator"]) {
        built.generate(folder, generator);
    }
    for patch in texts(&kustomization["patches"], Some("path")) {
        for document in built.documents_of(&folder.join(patch)) {
            built.patch(&document);
        }
    }
    if let Some(namespace) = kustomization["namespace"].as_str() {
        for document in &mut built.documents {
            document["metadata"]["namespace"] = namespace.into();
        }
    }
    let mut places = Vec::new();
    for configuration in texts(&kustomization["configurations"], None) {
        places.extend(built.documents_of(&folder.join(configuration)));
    }
    for image in list(&kustomization["images"]) {
        built.rename_image(image, &places);
    }
    for count in list(&kustomization["replicas"]) {
        built.count_replicas(count);
    }
    built
}

/// Builds the kustomization of `folder`, with the resources of kustomize itself if this machine has it.
pub fn build_with_kustomize(folder: &Path, schemas: &Schemas) -> Built {
    let mut built = build(folder, schemas);
    match kustomize(folder) {
        Some(Ok(documents)) => built.documents = documents,
        Some(Err(message)) => built.faults.push(message),
        None => {}
    }
    built
}

/// Runs kustomize, if this machine has it. The names of generated ConfigMaps are without their hashes.
///
/// # Errors
///
/// The message of kustomize.
fn kustomize(folder: &Path) -> Option<Result<Vec<Value>, String>> {
    let commands = [("kustomize", "build"), ("kubectl", "kustomize")];
    let (program, command) = commands.into_iter().find(|(program, _)| found(program))?;
    let output = Command::new(program).arg(command).arg(folder).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    if !output.status.success() {
        return Some(Err(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let text = String::from_utf8(output.stdout).unwrap();
    Some(serde_saphyr::from_multiple(&without_hashes(&text)).map_err(|error| error.to_string()))
}

/// The number of characters of a hash.
const HASH: usize = 10;

/// Removes the hash from the name of each generated ConfigMap, and from the references to it.
fn without_hashes(text: &str) -> String {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).unwrap();
    let generated = documents.iter().filter(|one| one["kind"] == "ConfigMap");
    generated
        .filter_map(|config| config["metadata"]["name"].as_str())
        .filter_map(|name| Some((name, name.rsplit_once('-')?)))
        .filter(|(_, (_, hash))| hash.len() == HASH)
        .fold(text.to_owned(), |text, (name, (bare, _))| {
            text.replace(name, bare)
        })
}

impl Built {
    fn documents_of(&mut self, file: &Path) -> Vec<Value> {
        let Ok(text) = std::fs::read_to_string(file) else {
            self.faults.push(format!("no file `{}`", file.display()));
            return Vec::new();
        };
        self.files.insert(file.canonicalize().unwrap());
        serde_saphyr::from_multiple(&text).unwrap_or_else(|error| {
            self.faults.push(format!("{}: {error}", file.display()));
            Vec::new()
        })
    }

    fn add(&mut self, path: &Path, schemas: &Schemas) {
        if !path.is_dir() {
            let documents = self.documents_of(path);
            self.documents.extend(documents);
            return;
        }
        let below = build(path, schemas);
        self.documents.extend(below.documents);
        self.files.extend(below.files);
        self.faults.extend(below.faults);
    }

    /// Generates a ConfigMap. kustomize also adds a hash to its name and to references.
    fn generate(&mut self, folder: &Path, generator: &Value) {
        let mut data = Map::new();
        for name in texts(&generator["files"], None) {
            let file = folder.join(name);
            if !file.is_file() {
                self.faults.push(format!("no file `{}`", file.display()));
                continue;
            }
            self.files.insert(file.canonicalize().unwrap());
            data.insert(name.to_owned(), text_of(&file).into());
        }
        self.documents.push(json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": { "name": generator["name"] },
            "data": data,
        }));
    }

    fn patch(&mut self, patch: &Value) {
        let shown = format!("patch of {} {}", patch["kind"], patch["metadata"]["name"]);
        // kustomize merges lists of built-in kinds by special rules.
        let builtin = patch["kind"] != "SpinApp";
        if builtin && has_unnamed_list(patch) {
            self.faults
                .push(format!("{shown}: it holds a list, which is not merged"));
        }
        let same = |document: &Value| {
            document["kind"] == patch["kind"]
                && document["metadata"]["name"] == patch["metadata"]["name"]
        };
        let found = self.documents.iter().position(same);
        match found {
            Some(index) if patch["$patch"] == "delete" => {
                self.documents.remove(index);
            }
            Some(index) if builtin => merge_by_names(&mut self.documents[index], patch),
            Some(index) => json_patch::merge(&mut self.documents[index], patch),
            None => self
                .faults
                .push(format!("{shown}: the target does not exist")),
        }
    }

    fn rename_image(&mut self, image: &Value, places: &[Value]) {
        let name = image["name"].as_str().unwrap_or_default();
        let new_name = image["newName"].as_str().unwrap_or(name);
        let new = match image["newTag"].as_str() {
            Some(tag) => format!("{new_name}:{tag}"),
            None => new_name.to_owned(),
        };
        let found = images_of(&mut self.documents, places).filter(|found| *found == name);
        let renamed = found.map(|found| *found = new.as_str().into()).count();
        if renamed == 0 {
            self.faults.push(format!("image `{name}` is unused"));
        }
    }

    fn count_replicas(&mut self, count: &Value) {
        let counted = ["Deployment", "StatefulSet"];
        let same = |document: &&mut Value| {
            counted.iter().any(|kind| document["kind"] == *kind)
                && document["metadata"]["name"] == count["name"]
        };
        match self.documents.iter_mut().find(same) {
            Some(document) => document["spec"]["replicas"] = count["count"].clone(),
            None => self.faults.push(format!(
                "replicas of {}: the target does not exist",
                count["name"]
            )),
        }
    }
}

/// Sets the images of containers and of the fields in the configurations.
fn images_of<'a>(
    documents: &'a mut [Value],
    places: &'a [Value],
) -> impl Iterator<Item = &'a mut Value> {
    documents.iter_mut().flat_map(move |document| {
        let kind = document["kind"].clone();
        let place = places
            .iter()
            .flat_map(|place| list(&place["images"]))
            .find(|place| place["kind"] == kind)
            .and_then(|place| place["path"].as_str());
        let path = place.map(|path| format!("/{path}"));
        match path {
            Some(path) => document.pointer_mut(&path).into_iter().collect::<Vec<_>>(),
            None => document
                .pointer_mut("/spec/template/spec/containers")
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
                .filter_map(|container| container.get_mut("image"))
                .collect(),
        }
    })
}

/// Returns whether a value has a list whose items are not objects with names.
fn has_unnamed_list(value: &Value) -> bool {
    match value {
        Value::Array(items) => items
            .iter()
            .any(|item| item["name"].is_null() || has_unnamed_list(item)),
        Value::Object(fields) => fields.values().any(has_unnamed_list),
        _ => false,
    }
}

/// Merges a patch of a built-in kind: of lists, such as those of containers and of environment variables,
/// the items of one name are merged, and others are added.
fn merge_by_names(document: &mut Value, patch: &Value) {
    match (document, patch) {
        (Value::Array(items), Value::Array(patches)) => {
            for patch in patches {
                match items.iter_mut().find(|item| item["name"] == patch["name"]) {
                    Some(item) => merge_by_names(item, patch),
                    None => items.push(patch.clone()),
                }
            }
        }
        (Value::Object(fields), Value::Object(patches)) => {
            for (key, patch) in patches {
                merge_by_names(fields.entry(key).or_insert(Value::Null), patch);
            }
        }
        (document, patch) => *document = patch.clone(),
    }
}

pub fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn texts<'a>(value: &'a Value, field: Option<&'a str>) -> impl Iterator<Item = &'a str> {
    list(value).filter_map(move |item| match field {
        Some(field) => item[field].as_str(),
        None => item.as_str(),
    })
}
