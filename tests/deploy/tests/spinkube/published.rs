//! The schemas that Kubernetes publishes for its own kinds, in the strict form: unknown fields are faults.
//! `make setup-kubernetes` installs them with the Python package `kubernetes-validate`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jsonschema::{Registry, Validator};
use serde_json::Value;

use crate::helm;
use crate::support::{root, text_of};

/// The oldest and the newest version that the manifests are for.
const VERSIONS: [&str; 2] = ["v1.28.0", "v1.36.0"];

/// The kinds of SpinKube and kustomize, of which Kubernetes has no schema.
const FOREIGN: [&str; 3] = ["Kustomization", "SpinApp", "SpinAppExecutor"];

/// The kinds of the manifests and the chart, with the names of their files.
const FILES: [(&str, &str, &str); 7] = [
    ("v1", "ConfigMap", "configmap-v1"),
    ("v1", "Secret", "secret-v1"),
    ("v1", "Service", "service-v1"),
    ("apps/v1", "Deployment", "deployment-apps-v1"),
    ("apps/v1", "StatefulSet", "statefulset-apps-v1"),
    (
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscaler-autoscaling-v2",
    ),
    (
        "policy/v1",
        "PodDisruptionBudget",
        "poddisruptionbudget-policy-v1",
    ),
];

/// The schemas of each version, by `apiVersion` and kind.
pub struct Published(Vec<BTreeMap<(&'static str, &'static str), Validator>>);

impl Published {
    /// Loads the schemas of this machine. If it has none, reports that they are left out and returns
    /// `None`.
    ///
    /// # Panics
    ///
    /// It has none, and the environment has `CI=true`.
    pub fn available() -> Option<Self> {
        let Some(folder) = installed() else {
            helm::leave_out("the schemas of Kubernetes");
            return None;
        };
        let version = |version| load(&folder.join(format!("{version}-local-strict")));
        Some(Self(VERSIONS.map(version).into()))
    }

    /// Returns the faults of a resource with the versions that reject it.
    pub fn faults(&self, document: &Value) -> Vec<String> {
        let text = |field: &str| document[field].as_str().unwrap_or_default();
        let (version, kind) = (text("apiVersion"), text("kind"));
        if FOREIGN.contains(&kind) {
            return Vec::new();
        }
        let each = VERSIONS.iter().zip(&self.0);
        each.flat_map(|(release, schemas)| match schemas.get(&(version, kind)) {
            Some(schema) => errors(release, schema, document),
            None => vec![format!("Kubernetes: no schema for `{version}` `{kind}`")],
        })
        .collect()
    }
}

fn errors(release: &str, schema: &Validator, document: &Value) -> Vec<String> {
    let kind = &document["kind"];
    let name = &document["metadata"]["name"];
    schema
        .iter_errors(document)
        .map(|error| {
            let place = error.instance_path();
            format!("Kubernetes {release}: {kind} {name}: {place}: {error}")
        })
        .collect()
}

/// Returns the folder of the installed package.
fn installed() -> Option<PathBuf> {
    let libraries = std::fs::read_dir(root().join("target/kubernetes/lib")).ok()?;
    let package = "site-packages/kubernetes_validate/kubernetes-json-schema";
    let mut folders = libraries.map(|entry| entry.unwrap().path().join(package));
    folders.find(|folder| folder.is_dir())
}

fn load(folder: &Path) -> BTreeMap<(&'static str, &'static str), Validator> {
    let json = |name: &str| -> Value {
        serde_json::from_str(&text_of(&folder.join(format!("{name}.json")))).unwrap()
    };
    // The schemas refer to it, and nothing is fetched.
    let definitions = Registry::new()
        .add("json-schema:///_definitions.json", json("_definitions"))
        .and_then(|registry| registry.prepare())
        .unwrap_or_else(|error| panic!("`_definitions`: {error}"));
    let schema = |(version, kind, file): (_, _, &str)| {
        let compiled = jsonschema::options()
            .with_registry(&definitions)
            .build(&json(file))
            .unwrap_or_else(|error| panic!("`{file}`: {error}"));
        ((version, kind), compiled)
    };
    FILES.map(schema).into()
}
