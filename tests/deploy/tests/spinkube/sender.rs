//! The Deployment of the sender and its `sender.toml`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::kustomize::list;
use crate::support::{read, toml_of};

/// A table of the file, the source of the sender that reads it, and the beginning and the end of its code.
const TABLES: [(&str, &str, &str, &str); 7] = [
    ("store", "sections.rs", "impl StoreConfig {", "\n}\n"),
    ("source", "source.rs", "impl SourceConfig {", "#[cfg(test)]"),
    ("api", "api.rs", "impl ApiConfig {", "\n}\n"),
    ("pages", "pages.rs", "impl PagesConfig {", "\n}\n"),
    ("delivery", "sections.rs", "impl DeliveryConfig {", "\n}\n"),
    (
        "retention",
        "sections.rs",
        "impl RetentionConfig {",
        "\n}\n",
    ),
    ("log", "sections.rs", "impl LogConfig {", "\n}\n"),
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
    let mut faults = Vec::new();
    for (name, table) in tables(config) {
        let Some(reader) = reader_of(name) else {
            faults.push(format!("sender.toml: unknown table `{name}`"));
            continue;
        };
        let unknown = table
            .keys()
            .filter(|key| !reader.contains(&format!("\"{key}\"")));
        faults.extend(unknown.map(|key| format!("sender.toml: unknown key `{name}.{key}`")));
    }
    faults
}

/// Returns the tables with their names: each `[name]` and each `[[name]]`.
fn tables(config: &toml::Table) -> impl Iterator<Item = (&str, &toml::Table)> {
    config.iter().flat_map(|(name, value)| {
        let several = value.as_array().into_iter().flatten();
        let all = std::iter::once(value).chain(several);
        all.filter_map(move |one| Some((name.as_str(), one.as_table()?)))
    })
}

/// Returns the code that reads a table.
fn reader_of(table: &str) -> Option<String> {
    let (_, file, begin, end) = TABLES.iter().find(|(name, ..)| *name == table)?;
    let source = read(&format!("webhook-sender/src/config/{file}"));
    let from = source.split_once(begin).unwrap().1;
    let block = from.split_once(end).map_or(from, |(block, _)| block);
    Some(block.to_owned())
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
    let values = tables(config).flat_map(|(_, table)| table.values());
    values
        .filter_map(|value| value.as_str()?.strip_prefix("env:"))
        .collect()
}
