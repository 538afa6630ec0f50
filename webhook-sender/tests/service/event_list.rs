//! Lists of events with their states.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::with_timeout;

use crate::api_world::{Api, TOKEN};
use crate::receiver::Receiver;
use crate::sender::{SECRET, Store};

const EVENTS: &str = "/v1/tenants/acme/events";

/// Starts a sender with a stream, and with one event from each source: `evt_api`, which is delivered,
/// `evt_cli`, `evt_stream`, and an entry of the stream that cannot be planned.
async fn with_events(store: Store) -> (Api, Receiver) {
    let api = Api::start_on(store, "").await;
    let receiver = Receiver::start(Duration::ZERO).await;
    let url = format!("http://{}/hook", receiver.address);
    api.endpoint(json!({ "url": url, "events": ["order.paid"], "secret": SECRET }))
        .await;
    let event = r#"{"id": "evt_api", "type": "order.paid", "data": {"n": 1.0,
"id": 12345678901234567890123}, "ordering_key": "k"}"#;
    let reply = api.request("POST", EVENTS).json(event).send().await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    api.delivery("evt_api", "succeeded").await;
    let published = command(
        &api,
        "publish",
        &["--type", "a", "--id", "evt_cli", "--data", "2"],
    );
    assert_eq!(published, "evt_cli\n");
    let of_stream = [("type", "a.b"), ("id", "evt_stream"), ("data", "3")];
    to_stream(&api, &of_stream).await;
    listed(&api, "?source=events", 1).await;
    to_stream(&api, &[("type", "a..b"), ("data", "{\"n\": 4.0}")]).await;
    listed(&api, "?state=rejected", 1).await;
    (api, receiver)
}

/// Runs a command for tenant `acme`, which must succeed. Returns its output.
#[track_caller]
fn command(api: &Api, name: &str, arguments: &[&str]) -> String {
    let start = [name, "--token", TOKEN, "--tenant", "acme"];
    let output = api.sender.command(&[&start[..], arguments].concat());
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

async fn to_stream(api: &Api, fields: &[(&str, &str)]) {
    let redis = api.setting.redis.as_ref().expect("the setting has one");
    let client = redis::Client::open(redis.url()).expect("a url");
    let connection = client.get_multiplexed_async_connection().await;
    let mut connection = connection.expect("redis-server responds");
    let mut add = redis::cmd("XADD");
    add.arg("events")
        .arg("*")
        .arg(&[("tenant", "acme")])
        .arg(fields);
    let added = add.query_async(&mut connection).await;
    let _: String = added.expect("redis-server takes it");
}

/// Waits until the list has `count` events.
async fn listed(api: &Api, query: &str, count: usize) -> Vec<Value> {
    let path = format!("{EVENTS}{query}");
    let found = async {
        loop {
            let page = api.send("GET", &path, None).await.json();
            if let Some(items) = page["items"].as_array().filter(|it| it.len() == count) {
                return items.clone();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    with_timeout(found, || format!("{path}\n{}", api.sender.log())).await
}

fn ids(items: &[Value]) -> Vec<&str> {
    items
        .iter()
        .map(|item| item["id"].as_str().unwrap_or(""))
        .collect()
}

async fn events_are_listed_and_shown(store: Store) {
    let (api, _receiver) = with_events(store).await;
    let all = listed(&api, "", 4).await;
    let rejected = all[0]["id"].as_str().expect("an id").to_owned();
    assert!(rejected.starts_with("events_"), "{rejected}");
    let expected = [&rejected, "evt_stream", "evt_cli", "evt_api"];
    assert_eq!(ids(&all), expected);
    let parts = |name: &str| {
        all.iter()
            .map(|item| item[name].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        parts("state"),
        ["rejected", "planned", "planned", "planned"]
    );
    assert_eq!(parts("source"), ["events", "events", "cli", "api"]);
    assert_eq!(parts("type"), ["a..b", "a.b", "a", "order.paid"]);
    assert_eq!(
        (&all[3]["ordering_key"], &all[3]["data"]),
        (&json!("k"), &Value::Null)
    );
    assert_eq!(
        (&all[0]["code"], &all[0]["event"]),
        (&json!("bad-type"), &Value::Null)
    );

    for (query, expected) in [
        ("?source=cli", &["evt_cli"][..]),
        ("?type=a.b", &["evt_stream"]),
        ("?state=rejected", &[&rejected]),
        ("?state=planned&source=events", &["evt_stream"]),
        ("?state=accepted", &[]),
        ("?to=2020-01-01T00:00:00Z", &[]),
        (
            "?from=2020-01-01T00:00:00Z&limit=2",
            &[&rejected, "evt_stream"],
        ),
    ] {
        let page = api
            .send("GET", &format!("{EVENTS}{query}"), None)
            .await
            .json();
        assert_eq!(ids(page["items"].as_array().unwrap()), expected, "{query}");
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("{EVENTS}?limit=1{cursor}");
        let page = api.send("GET", &path, None).await.json();
        seen.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, all);
    for (query, status) in [("?state=dead", 422), ("?cursor=x", 400), ("?limit=0", 422)] {
        let reply = api.send("GET", &format!("{EVENTS}{query}"), None).await;
        assert_eq!(reply.status, status, "{query}");
    }

    let shown = api.send("GET", &format!("{EVENTS}/evt_api"), None).await;
    assert!(
        shown
            .text()
            .contains("\"data\":{\"n\": 1.0,\n\"id\": 12345678901234567890123}"),
        "{}",
        shown.text()
    );
    let shown = shown.json();
    assert_eq!(shown["deliveries"]["items"][0]["state"], "succeeded");
    let none = json!({ "items": [], "next_cursor": null });
    let shown = api
        .send("GET", &format!("{EVENTS}/evt_cli"), None)
        .await
        .json();
    assert_eq!((&shown["data"], &shown["deliveries"]), (&json!(2), &none));

    let path = format!("{EVENTS}/{rejected}");
    let shown = api.send("GET", &path, None).await.json();
    let data = json!(["data", "{\"n\": 4.0}"]);
    assert_eq!(shown["fields"][2], data, "{shown}");
    assert_eq!(all[0]["fields"], shown["fields"], "a list has them too");
    assert_eq!(
        (&shown["data"], &shown["deliveries"]),
        (&json!({ "n": 4.0 }), &none)
    );
    let retry = format!("/v1/dead-letters/{rejected}/retry");
    let reply = api
        .send("POST", &retry, Some(json!({ "type": "a.b" })))
        .await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    listed(&api, "?state=rejected", 0).await;
    let shown = api.send("GET", &path, None).await.json();
    assert_eq!(
        (&shown["state"], &shown["source"]),
        (&json!("planned"), &json!("events"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_all_sources_are_listed_and_shown() {
    events_are_listed_and_shown(Store::SqliteWithStream).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_all_sources_are_listed_and_shown_on_redis() {
    events_are_listed_and_shown(Store::Redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_event_is_shown_to_another_tenant() {
    let (api, _receiver) = with_events(Store::SqliteWithStream).await;
    assert_eq!(
        api.send("PUT", "/v1/tenants/globex", None).await.status,
        201
    );
    let page = api
        .send("GET", "/v1/tenants/globex/events", None)
        .await
        .json();
    assert_eq!(page["items"], json!([]));
    for event in listed(&api, "", 4).await {
        let id = event["id"].as_str().expect("an id");
        let own = api.send("GET", &format!("{EVENTS}/{id}"), None).await;
        assert_eq!(own.status, 200, "{id}");
        for tenant in ["globex", "nobody"] {
            let path = format!("/v1/tenants/{tenant}/events/{id}");
            assert_eq!(api.send("GET", &path, None).await.status, 404, "{path}");
        }
    }
    assert_eq!(
        api.send("GET", &format!("{EVENTS}/none"), None)
            .await
            .status,
        404
    );
    assert_eq!(
        api.send("GET", "/v1/tenants/nobody/events", None)
            .await
            .status,
        404
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_listed_and_shown_by_a_command() {
    let (api, _receiver) = with_events(Store::SqliteWithStream).await;
    let shown = command(&api, "events", &[]);
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!(lines.len(), 5, "{shown}");
    assert!(lines[0].starts_with("EVENT "), "{shown}");
    assert!(
        lines[1].contains("rejected") && lines[1].contains("a..b"),
        "{shown}"
    );
    let filtered = command(&api, "events", &["--source", "cli", "--json"]);
    let filtered: Value = serde_json::from_str(&filtered).expect("one line of JSON");
    assert_eq!(filtered["id"], "evt_cli");
    let shown = command(&api, "events", &["evt_api"]);
    let data = "{\"n\": 1.0, \"id\": 12345678901234567890123}";
    for part in ["order.paid", "planned", data, "succeeded"] {
        assert!(shown.contains(part), "`{part}` in {shown}");
    }
    let shown = command(&api, "events", &["evt_api", "--json"]);
    assert_eq!(shown.lines().count(), 1, "{shown}");
    assert!(shown.contains(&format!("\"data\":{data}")), "{shown}");
    let rejected = listed(&api, "?state=rejected", 1).await;
    let shown = command(&api, "events", &[rejected[0]["id"].as_str().unwrap()]);
    for part in ["bad-type", "rejected", "{\"n\": 4.0}"] {
        assert!(shown.contains(part), "`{part}` in {shown}");
    }
}
