//! The OpenAPI document against the handlers: `schemathesis` derives valid and invalid requests from the
//! document, and checks every response against it.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use test_support::{Receiver, with_timeout};

use crate::api_world::{Api, TOKEN};
use crate::sender::Store;

/// The number of requests for each operation and kind of test.
const EXAMPLES: &str = "25";

fn own(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Returns the program that `scripts/setup-interop.sh` installs; reports it and returns `None` if it is
/// missing.
fn installed() -> Option<PathBuf> {
    let path = own("../target/interop/schemathesis/bin/schemathesis");
    if path.exists() {
        return Some(path);
    }
    let missing = "left out: schemathesis. `make setup-interop` installs it";
    let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!is_ci, "{missing}");
    // Directly, because the test harness hides the output of passing tests.
    let _ = writeln!(std::io::stderr(), "{missing}");
    None
}

/// The operations that need not succeed. The response of the first does not end, so that it is not requested;
/// the others need resources that the run itself may have deleted, alone or with their tenant.
const EXCEPT: [&str; 7] = [
    "follow_deliveries",
    "delete_endpoint",
    "get_dead_letter",
    "get_delivery",
    "get_delivery_body",
    "renew_portal_session",
    "revoke_portal_session",
];

/// Returns the id of a rejected event, which is valid now: its tenant was unknown when it arrived.
async fn rejected(api: &Api) -> String {
    let redis = api.setting.redis.as_ref().expect("the setting has one");
    let client = redis::Client::open(redis.url()).expect("a url");
    let connection = client.get_multiplexed_async_connection().await;
    let fields = [("tenant", "late"), ("type", "order.paid"), ("data", "1")];
    let mut add = redis::cmd("XADD");
    add.arg("events").arg("*").arg(&fields);
    let added: Result<String, _> = add.query_async(&mut connection.expect("a server")).await;
    added.expect("an id");
    let found = async {
        loop {
            let page = api.send("GET", "/v1/dead-letters", None).await.json();
            if let Some(found) = page["items"].get(0) {
                return text(&found["id"]);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let id = with_timeout(found, || api.sender.log()).await;
    assert_eq!(api.send("PUT", "/v1/tenants/late", None).await.status, 201);
    id
}

/// Creates the resources that the configuration names, and returns it with their ids.
async fn configured(api: &Api, receiver: &Receiver) -> String {
    assert_eq!(api.send("PUT", "/v1/tenants/spare", None).await.status, 201);
    for id in ["orders", "tested", "spare"] {
        let endpoint = json!({ "id": id, "url": receiver.url("/hook"), "events": ["order.*"] });
        api.endpoint(endpoint).await;
    }
    for id in ["evt_1", "evt_2"] {
        let event = json!({ "id": id, "type": "order.paid", "data": { "n": 1 } });
        let published = api.send("POST", "/v1/tenants/acme/events", Some(event));
        assert_eq!(published.await.status, 202);
    }
    let created = async |path: &str, body: Value| {
        let reply = api.send("POST", path, Some(body)).await;
        assert_eq!(reply.status, 201, "{path}: {}", reply.text());
        text(&reply.json()["id"])
    };
    let sessions = "/v1/tenants/acme/portal-sessions";
    let ids = [
        (
            "DELIVERY",
            text(&api.delivery("evt_1", "succeeded").await["id"]),
        ),
        (
            "KEY",
            created("/v1/keys", json!({ "name": "spare", "role": "admin" })).await,
        ),
        ("RENEWED", created(sessions, json!({})).await),
        ("REJECTED", rejected(api).await),
        ("REVOKED", created(sessions, json!({})).await),
    ];
    let config = include_str!("openapi/schemathesis.toml").to_owned();
    ids.iter().fold(config, |config, (name, id)| {
        config.replace(&format!("\"{name}\""), &format!("\"{id}\""))
    })
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// Returns the operations of the document that no recorded response confirms.
fn without_success(recorded: &Value) -> BTreeSet<String> {
    let document: Value = serde_json::from_str(include_str!("../../src/api/openapi.json")).unwrap();
    let mut left = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let Some(id) = operation["operationId"].as_str() else {
                continue;
            };
            if !entries(recorded).any(|entry| succeeded(entry, method, path)) {
                left.insert(id.to_owned());
            }
        }
    }
    left
}

fn entries(recorded: &Value) -> impl Iterator<Item = &Value> {
    recorded["log"]["entries"]
        .as_array()
        .expect("requests")
        .iter()
}

fn succeeded(entry: &Value, method: &str, path: &str) -> bool {
    let url = entry["request"]["url"].as_str().unwrap_or_default();
    let sent = url.splitn(4, '/').nth(3).unwrap_or_default();
    let sent = sent.split('?').next().unwrap_or_default();
    let (sent, path) = (sent.split('/'), path.trim_start_matches('/').split('/'));
    let is_same = sent.clone().count() == path.clone().count()
        && sent
            .zip(path)
            .all(|(one, name)| one == name || name.starts_with('{'));
    let status = entry["response"]["status"].as_u64().unwrap_or_default();
    is_same && entry["request"]["method"] == method.to_uppercase() && (200..300).contains(&status)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_handlers_do_what_the_document_says() {
    let Some(schemathesis) = installed() else {
        return;
    };
    let api = Api::start_on(Store::SqliteWithStream, "").await;
    let receiver = Receiver::start().await;
    let folder = api.setting.folder();
    let config = folder.join("schemathesis.toml");
    std::fs::write(&config, configured(&api, &receiver).await).expect("a file");
    let record = folder.join("requests.har");
    let mut command = Command::new(schemathesis);
    command
        .current_dir(folder)
        .arg("--config-file")
        .arg(config)
        .args(["--no-color", "run"])
        .arg(own("src/api/openapi.json"))
        .args(["--url", &api.sender.api])
        .args(["--header", &format!("Authorization: Bearer {TOKEN}")])
        .args(["--checks", "all", "--seed", "1", "--max-examples", EXAMPLES])
        // Each operation is tried with a wrong token, and too many of those are throttled.
        .args(["--rate-limit", "50/s"])
        .arg("--continue-on-failure")
        .args(["--report", "har", "--report-har-path"])
        .arg(&record);
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().expect("schemathesis can be run");
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    // A handler that is only called with names that do not exist is not compared with its document.
    let recorded = std::fs::read(record).expect("the requests");
    let mut left = without_success(&serde_json::from_slice(&recorded).expect("JSON"));
    left.retain(|operation| !EXCEPT.contains(&operation.as_str()));
    assert!(left.is_empty(), "without success: {left:?}\n{said}");
}
