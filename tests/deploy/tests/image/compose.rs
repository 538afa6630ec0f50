//! The guarantees of `compose.yaml`. The delivery of a verified webhook is tested in `dist`.

use serde_json::Value;

use crate::parsed::{is_pinned, last_stage};
use crate::process::{root, toml, yaml};

fn compose() -> Value {
    yaml("deploy/container/compose.yaml")
}

/// Returns `compose.yaml` as the variant with PostgreSQL changes it: objects are merged, and volumes are
/// replaced by target.
fn with_postgres() -> Value {
    let mut whole = compose();
    let variant = yaml("deploy/container/compose.postgres.yaml");
    let sender = &variant["services"]["sender"];
    for key in ["environment", "depends_on"] {
        let more = sender[key].as_object().expect("an object").clone();
        let merged = whole["services"]["sender"][key].as_object_mut();
        merged.expect("an object").extend(more);
    }
    let target = |volume: &Value| {
        volume
            .as_str()
            .and_then(|text| text.split(':').nth(1).map(str::to_owned))
    };
    let volumes = whole["services"]["sender"]["volumes"].as_array_mut();
    let volumes = volumes.expect("a list");
    for volume in sender["volumes"].as_array().expect("a list") {
        volumes.retain(|other| target(other) != target(volume));
        volumes.push(volume.clone());
    }
    whole["services"]["postgres"] = variant["services"]["postgres"].clone();
    whole["volumes"]["postgres"] = variant["volumes"]["postgres"].clone();
    whole
}

fn services(compose: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let services = compose["services"].as_object().expect("it has services");
    services
        .iter()
        .map(|(name, service)| (name.as_str(), service))
}

fn words(value: &Value) -> Vec<&str> {
    let words = value.as_array().into_iter().flatten();
    words.map(|word| word.as_str().expect("a word")).collect()
}

#[test]
fn every_service_runs_a_pinned_image() {
    let compose = with_postgres();
    let built: Vec<&Value> = services(&compose)
        .filter(|(_, service)| service.get("build").is_some())
        .map(|(_, service)| &service["image"])
        .collect();
    for (name, service) in services(&compose) {
        let image = service["image"].as_str().expect("it names an image");
        let ours = built.contains(&&service["image"]);
        assert!(ours || is_pinned(image), "{name}: {image}");
    }
}

#[test]
fn services_can_write_to_their_volumes_only_and_gain_no_privileges() {
    let compose = with_postgres();
    let declared = compose["volumes"].as_object().expect("it has volumes");
    for (name, service) in services(&compose) {
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(words(&service["cap_drop"]), ["ALL"], "{name}");
        assert_eq!(
            words(&service["security_opt"]),
            ["no-new-privileges:true"],
            "{name}"
        );
        for volume in words(&service["volumes"]) {
            let source = volume.split(':').next().expect("it has a source");
            match source.strip_prefix("./") {
                Some(file) => {
                    assert!(
                        root().join("deploy/container").join(file).is_file(),
                        "{volume}"
                    );
                    assert!(volume.ends_with(":ro"), "{volume}");
                }
                None => assert!(declared.contains_key(source), "{name}: {volume}"),
            }
        }
        for port in words(&service["ports"]) {
            assert!(port.starts_with("127.0.0.1:"), "{name}: {port}");
        }
    }
}

#[test]
fn services_wait_for_the_health_of_their_dependencies() {
    let compose = with_postgres();
    let names: Vec<&str> = services(&compose).map(|(name, _)| name).collect();
    let expected = [
        "consumer", "postgres", "producer", "redis", "sender", "verify",
    ];
    assert_eq!(names, expected);
    for (name, service) in services(&compose) {
        let awaited = service["depends_on"].as_object();
        let is_server = ["postgres", "redis"].contains(&name);
        assert_eq!(awaited.is_none(), is_server, "{name}");
        for (other, how) in awaited.into_iter().flatten() {
            assert_eq!(how["condition"], "service_healthy", "{name} on {other}");
            let asked = compose["services"][other]["healthcheck"]["test"].as_array();
            let in_image = compose["services"][other]["image"] == "webhook-apps";
            assert!(asked.is_some() || in_image, "{other} is never healthy");
        }
    }
    let last = compose["services"]["verify"]["depends_on"].as_object();
    let last: Vec<&String> = last.into_iter().flatten().map(|(name, _)| name).collect();
    assert_eq!(last, ["consumer", "producer", "sender"]);
    let entry = words(&compose["services"]["verify"]["entrypoint"]);
    assert_eq!(entry, ["sh", "/apps/verify.sh"]);
    let copied = "deploy/container/verify.sh /apps/verify.sh";
    assert!(last_stage("apps").all("COPY").contains(&copied));
}

#[test]
fn the_services_agree_on_token_tenant_and_network() {
    let compose = compose();
    let services = &compose["services"];
    let token = &services["sender"]["environment"]["SENDER_TOKEN"];
    assert!(token.is_string());
    assert_eq!(
        token,
        &services["producer"]["environment"]["SPIN_VARIABLE_SENDER_TOKEN"]
    );
    assert_eq!(token, &services["verify"]["environment"]["SENDER_TOKEN"]);
    let tenant = services["verify"]["environment"]["TENANT"].as_str();
    let tenant = format!("tenant={}", tenant.expect("a text"));
    assert!(words(&services["producer"]["command"]).contains(&tenant.as_str()));
    let sender = toml("deploy/container/compose.sender.toml");
    let allowed = sender["delivery"]["allow_networks"].as_array();
    let allowed = allowed.and_then(|networks| networks[0].as_str());
    let subnet = compose["networks"]["default"]["ipam"]["config"][0]["subnet"].as_str();
    assert!(
        subnet.is_some() && allowed == subnet,
        "{allowed:?} {subnet:?}"
    );
}

#[test]
fn the_variant_with_postgresql_changes_the_store_and_nothing_else() {
    let mut with = toml("deploy/container/compose.postgres.toml");
    let mut without = toml("deploy/container/compose.sender.toml");
    let store = with.remove("store").expect("a store");
    assert!(without.remove("store").is_some());
    assert_eq!(with, without);
    assert_eq!(store["url"].as_str(), Some("env:STORE_URL"));
    let compose = with_postgres();
    let url = compose["services"]["sender"]["environment"]["STORE_URL"].as_str();
    let server = &compose["services"]["postgres"]["environment"];
    let text = |key: &str| server[key].as_str().expect("a text");
    let (user, database) = (text("POSTGRES_USER"), text("POSTGRES_DB"));
    let password = text("POSTGRES_PASSWORD");
    let expected = format!("postgres://{user}:{password}@postgres/{database}");
    assert_eq!(url, Some(expected.as_str()));
}

#[test]
fn every_variable_that_is_set_for_an_app_is_declared_by_it() {
    let compose = compose();
    for app in ["producer", "consumer"] {
        let manifest = toml(&format!("webhook-{app}/spin.toml"));
        let declared = manifest["variables"].as_table().expect("a table");
        let service = &compose["services"][app];
        let command = words(&service["command"]);
        let by_command = command.windows(2).filter(|pair| pair[0] == "--variable");
        let by_command = by_command.map(|pair| pair[1].split('=').next().unwrap_or_default());
        let environment = service["environment"].as_object();
        let environment = environment.into_iter().flatten();
        let by_environment =
            environment.filter_map(|(name, _)| name.strip_prefix("SPIN_VARIABLE_"));
        let given: Vec<String> = by_command
            .chain(by_environment)
            .map(str::to_ascii_lowercase)
            .collect();
        assert!(!given.is_empty(), "{app}");
        for name in given {
            assert!(declared.contains_key(&name), "{app}: {name}");
        }
    }
}
