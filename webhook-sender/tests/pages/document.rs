//! The commands of `docs/API.md`.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::world::{KEY, World};

/// A route that the document names, and its command.
struct Documented {
    route: String,
    command: String,
}

/// Returns the commands of the blocks of shell, in their order.
fn documented() -> Vec<Documented> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/API.md");
    let text = std::fs::read_to_string(file).expect("the document");
    let blocks = text.split("```sh\n").skip(1);
    let blocks = blocks.filter_map(|rest| rest.split_once("```"));
    let mut all = Vec::new();
    for (block, _) in blocks {
        for line in block.lines() {
            if let Some(route) = line.strip_prefix("# ") {
                let command = String::new();
                let route = route.to_owned();
                all.push(Documented { route, command });
            } else if let Some(last) = all.last_mut() {
                last.command += &format!("{line}\n");
            }
        }
    }
    all
}

/// Returns the routes that the OpenAPI document describes.
async fn described(world: &World) -> BTreeSet<String> {
    let document = world.api("GET", "/v1/openapi.json", None).await.json();
    let mut routes = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        let methods = operations.as_object().expect("operations").keys();
        let methods = methods.filter(|name| *name != "parameters");
        routes.extend(methods.map(|method| format!("{} {path}", method.to_uppercase())));
    }
    routes
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_has_a_command_that_works() {
    let world = World::start_with_rejected().await;
    let documented = documented();
    let names: BTreeSet<_> = documented.iter().map(|it| it.route.clone()).collect();
    assert_eq!(names, described(&world).await);
    let mut variables = vec![("REJECTED", "rejected-1".to_owned())];
    for Documented { route, command } in documented {
        // The host of the document's example does not exist here.
        let command = command.replace("https://example.com", &world.receiver.url(""));
        let script = format!("curl() {{ command curl -sS --fail-with-body \"$@\"; }}\n{command}");
        let output = Command::new("sh")
            .args(["-eu", "-c", &script])
            .env("SENDER", &world.sender.api)
            .env("KEY", KEY)
            .envs(
                variables
                    .iter()
                    .map(|(name, value)| (*name, value.as_str())),
            )
            .output()
            .expect("a shell");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{route}: {text}{errors}");
        let first = |text: &str| {
            let list: Value = serde_json::from_str(text).unwrap_or_default();
            list["items"][0]["id"].as_str().map(str::to_owned)
        };
        let name = match route.as_str() {
            "GET /v1/tenants/{tenant}/deliveries" => "DELIVERY",
            "GET /v1/tenants/{tenant}/portal-sessions" => "SESSION",
            _ => "",
        };
        variables.extend(
            first(&text)
                .map(|id| (name, id))
                .filter(|(name, _)| !name.is_empty()),
        );
        if route == "POST /v1/keys" {
            let made: Value = serde_json::from_str(&text).expect("JSON");
            variables.push(("KEY_ID", made["id"].as_str().expect("an id").to_owned()));
        }
    }
}
