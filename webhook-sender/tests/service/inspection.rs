//! Inspection: requests and responses of attempts, filters, statistics, and erasure.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::with_timeout;

use crate::api_world::{Api, TOKEN};
use crate::receiver::Receiver;
use crate::sender::{SECRET, Store};

const DELIVERIES: &str = "/v1/tenants/acme/deliveries";

/// A sender with an endpoint that succeeds and one that fails.
struct World {
    api: Api,
    /// The endpoint that succeeds.
    receiver: Receiver,
}

impl World {
    async fn start(store: Store) -> Self {
        let api = Api::start_on(store, "").await;
        let receiver = Receiver::start(Duration::ZERO).await;
        Self { api, receiver }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.receiver.address)
    }

    async fn publish(&self, event: Value) {
        let events = "/v1/tenants/acme/events";
        let reply = self.api.send("POST", events, Some(event)).await;
        assert_eq!(reply.status, 202, "{}", reply.text());
    }

    async fn get(&self, path: &str) -> Value {
        let reply = self.api.send("GET", path, None).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.json()
    }

    /// Waits until the statistics of an endpoint have this count, and returns them. They are written once a
    /// second.
    async fn statistics_of(&self, endpoint: &str, counter: &str, count: u64) -> Value {
        let path = format!("/v1/tenants/acme/endpoints/{endpoint}/stats");
        let written = async {
            loop {
                let stats = self.get(&path).await;
                if stats[counter] == count {
                    return stats;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        with_timeout(written, || format!("{path}: {counter}")).await
    }

    /// Runs a command for tenant `acme`, which must succeed. Returns its output.
    #[track_caller]
    fn command(&self, arguments: &[&str]) -> String {
        let (name, rest) = arguments.split_first().expect("a command");
        let start = [*name, "--token", TOKEN, "--tenant", "acme"];
        let output = self.api.sender.command(&[&start[..], rest].concat());
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    }
}

fn headers(attempt: &Value, of: &str) -> Vec<(String, String)> {
    let headers = attempt.pointer(of).and_then(Value::as_array);
    let part = |header: &Value, name: &str| header[name].as_str().expect("text").to_owned();
    let headers = headers.expect("headers").iter();
    headers
        .map(|header| (part(header, "name").to_lowercase(), part(header, "value")))
        .collect()
}

fn value<'h>(headers: &'h [(String, String)], name: &str) -> &'h str {
    let found = headers.iter().find(|(found, _)| found == name);
    &found.unwrap_or_else(|| panic!("{name} in {headers:?}")).1
}

async fn a_delivery_shows_what_was_sent_and_what_came_back(store: Store) {
    let world = World::start(store).await;
    let endpoint = json!({
        "id": "orders", "url": world.url("/hook?token=s3cret&shop=7"), "secret": SECRET,
        "headers": { "Authorization": "Bearer s3cret" }, "events": ["order.paid"],
    });
    world.api.endpoint(endpoint).await;
    let data = r#"{"n": 1.0}"#;
    let event = format!(r#"{{"id": "evt_1", "type": "order.paid", "data": {data}}}"#);
    let events = world.api.request("POST", "/v1/tenants/acme/events");
    assert_eq!(events.json(event).send().await.status, 202);
    let listed = world.api.delivery("evt_1", "succeeded").await;
    let attempt = &listed["attempts"][0];
    assert_eq!(
        (&attempt["request"], &attempt["response"]),
        (&Value::Null, &Value::Null)
    );
    let path = format!("{DELIVERIES}/{}", listed["id"].as_str().expect("an id"));
    let shown = world.get(&path).await;
    assert!(!shown.to_string().contains("s3cret"), "{shown}");
    let attempt = &shown["attempts"][0];
    let url = world.url("/hook?token=***&shop=7");
    assert_eq!(attempt["request"]["url"], url);
    assert_eq!(attempt["request"]["protocol"], "HTTP/1.1");
    let sent = headers(attempt, "/request/headers");
    assert_eq!(value(&sent, "authorization"), "***");
    assert_eq!(value(&sent, "webhook-id"), "evt_1");
    assert_eq!(value(&sent, "content-length"), data.len().to_string());
    let signature = value(&sent, "webhook-signature");
    assert!(signature.starts_with("v1,"), "{signature}");
    assert!(!headers(attempt, "/response_headers").is_empty());
    let body = world.api.send("GET", &format!("{path}/body"), None).await;
    assert_eq!((body.status, body.text()), (200, data.to_owned()));
    assert_eq!(body.header("content-type"), Some("application/json"));
    assert_eq!(body.header("x-content-type-options"), Some("nosniff"));
    let id = listed["id"].as_str().expect("an id");
    assert_eq!(world.command(&["deliveries", "body", id]), data);
    let details = world.command(&["deliveries", id]);
    assert!(
        details.contains(&format!("> POST {url} HTTP/1.1")),
        "{details}"
    );
}

async fn an_operator_finds_what_fails_and_replays_it(store: Store) {
    let world = World::start(store).await;
    world
        .api
        .endpoint(json!({ "id": "good", "url": world.url("/"), "secret": SECRET, "events": ["a"], "retry": "once" }))
        .await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let closed = format!("http://{}/", closed.local_addr().expect("its address"));
    world
        .api
        .endpoint(json!({ "id": "bad", "url": closed, "events": ["b"], "retry": "once" }))
        .await;
    for (id, kind) in [("evt_1", "a"), ("evt_2", "b"), ("evt_3", "b")] {
        world
            .publish(json!({ "id": id, "type": kind, "data": 1 }))
            .await;
    }
    world.api.delivery("evt_1", "succeeded").await;
    for id in ["evt_2", "evt_3"] {
        world.api.delivery(id, "dead").await;
    }
    let events = async |query: &str| {
        let page = world.get(&format!("{DELIVERIES}{query}")).await;
        let items = page["items"].as_array().expect("items").clone();
        let event = |item: &Value| item["event"].as_str().expect("text").to_owned();
        items.iter().map(event).collect::<Vec<_>>()
    };
    assert_eq!(events("?status=2xx").await, ["evt_1"]);
    assert_eq!(
        events("?status=none&type=b&endpoint=bad").await,
        ["evt_3", "evt_2"]
    );
    assert_eq!(events("?status=5xx").await, [""; 0]);
    let listed = world.command(&["deliveries", "--status", "none", "--type", "b"]);
    assert!(
        listed.contains("evt_2") && !listed.contains("evt_1"),
        "{listed}"
    );
    let wrong = format!("{DELIVERIES}?status=1xx");
    assert_eq!(world.api.send("GET", &wrong, None).await.status, 422);

    world.statistics_of("good", "succeeded", 1).await;
    let stats = world.statistics_of("bad", "dead", 2).await;
    let part = |name: &str| stats[name].clone();
    let counts = [
        part("succeeded"),
        part("failed"),
        part("dead"),
        part("pending"),
    ];
    assert_eq!(counts, [json!(0), json!(2), json!(2), json!(0)]);
    assert_eq!(
        (part("breaker"), part("oldest_due_age_seconds")),
        (json!("closed"), Value::Null)
    );
    assert_eq!(stats["series"][0]["failed"], 2);
    let shown = world.command(&["endpoints", "stats", "good", "--window", "1h"]);
    assert!(shown.contains("succeeded        1"), "{shown}");
    for window in ["30s", "8days", "soon"] {
        let path = format!("/v1/tenants/acme/endpoints/bad/stats?window={window}");
        assert_eq!(
            world.api.send("GET", &path, None).await.status,
            422,
            "{window}"
        );
    }

    let replay = json!({ "state": "dead", "type": "b", "dry_run": true });
    let path = "/v1/tenants/acme/replay";
    let counted = world.api.send("POST", path, Some(replay)).await;
    assert_eq!(
        (counted.status, counted.json()),
        (200, json!({ "count": 2, "complete": true }))
    );
    assert_eq!(events("?state=dead").await.len(), 2);
    let counted = world.command(&["replay", "--type", "b", "--dry-run"]);
    assert_eq!(counted, "2 deliveries would be due again\n");
    let replay = json!({ "state": "dead", "type": "b" });
    let replayed = world.api.send("POST", path, Some(replay)).await;
    assert_eq!(
        (replayed.status, replayed.json()),
        (202, json!({ "count": 2 }))
    );
}

async fn an_erased_payload_is_not_shown_any_more(store: Store) {
    let world = World::start(store).await;
    world
        .api
        .endpoint(
            json!({ "id": "orders", "url": world.url("/"), "secret": SECRET, "events": ["a"] }),
        )
        .await;
    let event = json!({ "id": "evt_1", "type": "a", "data": "s3cret" });
    world.publish(event.clone()).await;
    let delivery = world.api.delivery("evt_1", "succeeded").await;
    let id = delivery["id"].as_str().expect("an id");
    let erased = world.command(&["events", "erase", "evt_1"]);
    assert_eq!(
        erased,
        "event `evt_1` is erased, and 0 of its deliveries are not attempted any more\n"
    );
    let shown = world.get("/v1/tenants/acme/events/evt_1").await;
    assert_eq!(
        (&shown["erased"], &shown["data"]),
        (&json!(true), &Value::Null)
    );
    let shown = world.get(&format!("{DELIVERIES}/{id}")).await;
    assert_eq!(shown["attempts"][0]["request"], Value::Null);
    assert_eq!(shown["attempts"][0]["status"], 200);
    let body = format!("{DELIVERIES}/{id}/body");
    let body = world.api.send("GET", &body, None).await;
    assert_eq!(
        (body.status, body.json()["code"].clone()),
        (410, json!("erased"))
    );
    let events = "/v1/tenants/acme/events";
    let again = world.api.send("POST", events, Some(event)).await;
    assert_eq!(
        (again.status, again.json()["duplicate"].clone()),
        (202, json!(true))
    );
    let unknown = "/v1/tenants/acme/events/evt_2/data";
    assert_eq!(world.api.send("DELETE", unknown, None).await.status, 404);
}

macro_rules! on_stores {
    ($($guarantee:ident)+) => {
        on_stores! { @ sqlite Sqlite $($guarantee)+ }
        on_stores! { @ redis Redis $($guarantee)+ }
        on_stores! { @ postgres Postgres $($guarantee)+ }
    };
    (@ $module:ident $store:ident $($guarantee:ident)+) => {
        mod $module {
            $(#[tokio::test]
            async fn $guarantee() {
                super::$guarantee(crate::sender::Store::$store).await;
            })+
        }
    };
}

on_stores! {
    a_delivery_shows_what_was_sent_and_what_came_back
    an_operator_finds_what_fails_and_replays_it
    an_erased_payload_is_not_shown_any_more
}
