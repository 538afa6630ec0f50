//! The Deployment of the sender and its `sender.toml`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::kustomize::list;
use crate::support::{read, toml_of};

/// A table of the file, and the type of the sender that reads it.
const TABLES: [(&str, &str); 6] = [
    ("store", "StoreConfig"),
    ("stream", "StreamConfig"),
    ("api", "ApiConfig"),
    ("delivery", "DeliveryConfig"),
    ("retention", "RetentionConfig"),
    ("log", "LogConfig"),
];

/// The time that the sender waits for its attempts at a stop: `delivery.lease`, a minute by default, and
/// ten seconds.
const MIN_GRACE_SECONDS: u64 = 70;

pub fn faults(documents: &[Value]) -> Vec<String> {
    let named = |kind| {
        let mut found = documents.iter();
        found.find(|one| one["kind"] == kind && one["metadata"]["name"] == "webhook-sender")
    };
    let (Some(deployment), Some(config)) = (named("Deployment"), named("ConfigMap")) else {
        return vec!["no Deployment or no ConfigMap `webhook-sender`".to_owned()];
    };
    let text = config["data"]["sender.toml"].as_str().unwrap_or_default();
    let config: toml::Table = match text.parse() {
        Ok(config) => config,
        Err(error) => return vec![format!("sender.toml: {error}")],
    };
    let mut faults = unknown_keys(&config);
    faults.extend(pod_faults(deployment, &config));
    faults
}

fn unknown_keys(config: &toml::Table) -> Vec<String> {
    let source = read("webhook-sender/src/config/sections.rs");
    let mut faults = Vec::new();
    for (table, keys) in config {
        let Some((_, reader)) = TABLES.iter().find(|(name, _)| name == table) else {
            faults.push(format!("sender.toml: unknown table `{table}`"));
            continue;
        };
        let from = source.split_once(&format!("impl {reader} {{")).unwrap().1;
        let block = from.split_once("\n}\n").unwrap().0;
        let keys = keys.as_table().into_iter().flat_map(toml::Table::keys);
        let unknown = keys.filter(|key| !block.contains(&format!("\"{key}\"")));
        faults.extend(unknown.map(|key| format!("sender.toml: unknown key `{table}.{key}`")));
    }
    faults
}

fn pod_faults(deployment: &Value, config: &toml::Table) -> Vec<String> {
    let mut faults = Vec::new();
    let pod = &deployment["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let given = list(&container["env"]).filter_map(|variable| variable["name"].as_str());
    let given: BTreeSet<_> = given.collect();
    let wanted = wanted(config);
    for name in given.symmetric_difference(&wanted) {
        faults.push(format!(
            "`{name}` is not both given to the pod and asked for by sender.toml"
        ));
    }
    if pod["terminationGracePeriodSeconds"].as_u64() < Some(MIN_GRACE_SECONDS) {
        faults.push("the pod is killed before its attempts have ended".to_owned());
    }
    let listen = config.get("api").and_then(|api| api.get("listen"));
    let port = listen
        .and_then(toml::Value::as_str)
        .unwrap_or_default()
        .rsplit(':')
        .next();
    let port = port.and_then(|port| port.parse::<u64>().ok());
    if container["ports"][0]["containerPort"].as_u64() != port {
        faults.push("the sender does not listen on the port of the pod".to_owned());
    }
    let image = container["image"].as_str().unwrap_or_default();
    let manifest = toml_of("Cargo.toml");
    let version = manifest["workspace"]["package"]["version"]
        .as_str()
        .unwrap();
    if !image.ends_with(&format!("/webhook-sender:{version}")) {
        faults.push(format!("`{image}` is not webhook-sender {version}"));
    }
    for (probe, path) in [("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")] {
        if container[probe]["httpGet"]["path"] != path {
            faults.push(format!("{probe} does not use `{path}`"));
        }
    }
    faults
}

/// Returns the environment variables from which the file takes values.
fn wanted(config: &toml::Table) -> BTreeSet<&str> {
    let tables = config.values().filter_map(toml::Value::as_table);
    let values = tables.flat_map(toml::Table::values);
    values
        .filter_map(|value| value.as_str()?.strip_prefix("env:"))
        .collect()
}
