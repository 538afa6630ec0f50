//! The guarantees of `compose.yaml`. The delivery of a verified webhook is tested in `dist`.

use serde_json::Value;

use crate::parsed::{is_pinned, last_stage};
use crate::process::{root, toml, yaml};

fn compose() -> Value {
    yaml("deploy/container/compose.yaml")
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
    let compose = compose();
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
    let compose = compose();
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
    let compose = compose();
    let names: Vec<&str> = services(&compose).map(|(name, _)| name).collect();
    assert_eq!(names, ["consumer", "producer", "redis", "sender", "verify"]);
    for (name, service) in services(&compose) {
        let awaited = service["depends_on"].as_object();
        assert_eq!(awaited.is_none(), name == "redis", "{name}");
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
