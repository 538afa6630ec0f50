//! SpinApps, compared with the manifests of the apps.

use serde_json::Value;

use super::kustomize::list;
use crate::support::toml_of;

/// The variables that must be set outside a development machine, from a Secret.
const GUARDS: [(&str, &str); 2] = [
    ("webhook-producer", "api_token"),
    ("webhook-consumer", "handshake_token"),
];

pub fn faults(documents: &[Value]) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, guard) in GUARDS {
        let app = documents
            .iter()
            .find(|one| one["kind"] == "SpinApp" && one["metadata"]["name"] == name);
        match app {
            Some(app) => faults.extend(app_faults(name, guard, app)),
            None => faults.push(format!("no SpinApp `{name}`")),
        }
    }
    faults
}

fn app_faults(name: &str, guard: &str, app: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let manifest = toml_of(&format!("{name}/spin.toml"));
    let known = manifest["variables"].as_table().unwrap();
    let variables: Vec<_> = list(&app["spec"]["variables"]).collect();
    for variable in &variables {
        let variable_name = variable["name"].as_str().unwrap_or_default();
        let Some(declared) = known.get(variable_name) else {
            faults.push(format!("`{name}` has no variable `{variable_name}`"));
            continue;
        };
        let is_secret = declared.get("secret").and_then(toml::Value::as_bool) == Some(true);
        if is_secret && variable["valueFrom"]["secretKeyRef"].is_null() {
            faults.push(format!(
                "`{variable_name}` of `{name}` is not from a Secret"
            ));
        }
    }
    if !variables.iter().any(|variable| variable["name"] == guard) {
        faults.push(format!("`{name}` is given no `{guard}`"));
    }
    let version = manifest["application"]["version"].as_str().unwrap();
    let image = app["spec"]["image"].as_str().unwrap_or_default();
    if !image.ends_with(&format!("/{name}:{version}")) {
        faults.push(format!(
            "`{image}` is not what `make push` pushes as {name} {version}"
        ));
    }
    if app["spec"]["checks"]["readiness"]["httpGet"]["path"] != "/healthz" {
        faults.push(format!("`{name}` has no health check of its store"));
    }
    faults
}
