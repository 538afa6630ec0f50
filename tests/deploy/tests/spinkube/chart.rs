//! The Helm chart, rendered with the values of `tests/charts/`.

use std::path::PathBuf;

use serde_json::Value;

use crate::helm::Helm;
use crate::schemas::Schemas;
use crate::support::{files_under, root, text_of, toml_of};
use crate::{references, sender, spin_apps};

fn chart() -> PathBuf {
    root().join("deploy/helm/signed-webhooks")
}

fn yaml(path: &std::path::Path) -> Value {
    let value = serde_saphyr::from_str(&text_of(path));
    value.unwrap_or_else(|error| panic!("`{}`: {error}", path.display()))
}

/// Returns the faults of the rendered chart.
fn faults(documents: &[Value], schemas: &Schemas) -> Vec<String> {
    let mut faults: Vec<_> = documents
        .iter()
        .flat_map(|document| schemas.faults(document))
        .collect();
    faults.extend(references::check(documents).faults);
    let has = |kind: &str| documents.iter().any(|document| document["kind"] == kind);
    if has("SpinApp") {
        faults.extend(spin_apps::faults(documents));
    }
    if has("Deployment") {
        faults.extend(sender::faults(documents));
    }
    faults
}

#[test]
fn the_chart_renders_valid_resources_for_every_kind_of_values() {
    let Some(helm) = Helm::available() else {
        return;
    };
    let cases = files_under(&root().join("tests/deploy/tests/charts/valid"));
    assert!(cases.len() >= 6, "{} cases", cases.len());
    for case in cases {
        let values = yaml(&case);
        let name = case.display();
        helm.lint(&chart(), &values)
            .unwrap_or_else(|findings| panic!("{name}: {findings}"));
        let documents = helm
            .template(&chart(), &values)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!documents.is_empty(), "{name}");
        let faults = faults(&documents, crate::schemas());
        assert!(faults.is_empty(), "{name}: {faults:#?}");
        let expected = text_of(&case);
        let expected = expected
            .lines()
            .filter_map(|line| line.strip_prefix("# has: "));
        let rendered = serde_json::to_string(&documents).unwrap();
        for part in expected {
            assert!(rendered.contains(part), "{name}: no {part} in {rendered}");
        }
    }
}

/// The first line of each file names a part of the message.
#[test]
fn invalid_values_are_rejected_by_name() {
    let Some(helm) = Helm::available() else {
        return;
    };
    let cases = files_under(&root().join("tests/deploy/tests/charts/invalid"));
    assert!(cases.len() >= 6, "{} cases", cases.len());
    for case in cases {
        let text = text_of(&case);
        let expected = text.lines().next().unwrap().trim_start_matches("# ");
        let message = helm.template(&chart(), &yaml(&case)).expect_err(expected);
        assert!(message.contains(expected), "{}: {message}", case.display());
    }
}

#[test]
fn the_default_values_are_those_of_the_kustomize_base() {
    let Some(helm) = Helm::available() else {
        return;
    };
    let documents = helm.template(&chart(), &serde_json::json!({})).unwrap();
    let base = crate::kustomize::build(&root().join("deploy/spinkube/base"), crate::schemas());
    for document in &documents {
        let same = |one: &&Value| {
            one["kind"] == document["kind"]
                && one["metadata"]["name"] == document["metadata"]["name"]
        };
        let other = base.documents.iter().find(same);
        let kind = &document["kind"];
        let other = other.unwrap_or_else(|| panic!("no {kind} in the base"));
        if kind == "SpinApp" || kind == "SpinAppExecutor" || kind == "Service" {
            assert_eq!(document["spec"], other["spec"], "{kind}");
        }
        if kind == "ConfigMap" {
            assert_eq!(sender_config(document), sender_config(other));
        }
        if kind == "Deployment" {
            let pod = |one: &Value| one["spec"]["template"]["spec"].clone();
            assert_eq!(pod(document), pod(other));
        }
    }
    assert_eq!(documents.len(), base.documents.len());
}

/// Returns the configuration in a ConfigMap, without comments.
fn sender_config(config: &Value) -> toml::Table {
    config["data"]["sender.toml"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap()
}

#[test]
fn the_chart_has_the_version_of_the_workspace_and_describes_every_value() {
    let chart_file = yaml(&chart().join("Chart.yaml"));
    let manifest = toml_of("Cargo.toml");
    let version = manifest["workspace"]["package"]["version"]
        .as_str()
        .unwrap();
    assert_eq!(chart_file["version"], version);
    assert_eq!(chart_file["appVersion"], version);
    let schema: Value =
        serde_json::from_str(&text_of(&chart().join("values.schema.json"))).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let values = yaml(&chart().join("values.yaml"));
    let errors: Vec<_> = validator
        .iter_errors(&values)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
    for section in ["image", "executor", "producer", "consumer", "sender"] {
        let known = schema["properties"][section]["properties"]
            .as_object()
            .unwrap();
        let given = values[section].as_object().unwrap();
        let names = |map: &serde_json::Map<String, Value>| -> std::collections::BTreeSet<String> {
            map.keys().cloned().collect()
        };
        assert_eq!(names(known), names(given), "{section}");
    }
}
