//! Previews, test deliveries and the stream.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::raw::Connection;

use crate::access_world::create_key;
use crate::api_world::{Api, TOKEN};
use crate::receiver::Receiver;
use crate::sender::SECRET;

const PREVIEW: &str = "/v1/tenants/acme/preview";

async fn preview(api: &Api, body: Value) -> Vec<Value> {
    let reply = api.send("POST", PREVIEW, Some(body)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["items"].as_array().unwrap().clone()
}

fn item(endpoint: Value, matched: bool, filtered: bool, body: Value, error: Value) -> Value {
    json!({ "endpoint": endpoint, "matched": matched, "filtered": filtered, "body": body,
        "error": error })
}

#[tokio::test]
async fn a_preview_shows_the_body_for_each_endpoint_and_stores_nothing() {
    let api = Api::start().await;
    let declare = |id: &str, more: Value| {
        let mut declared = json!({ "id": id, "url": "http://127.0.0.1:9/", "events": ["order.*"] });
        for (name, value) in more.as_object().unwrap() {
            declared[name] = value.clone();
        }
        declared
    };
    for (id, more) in [
        ("a", json!({})),
        ("b", json!({ "events": ["invoice.*"] })),
        ("c", json!({ "filter": "event.data.paid" })),
        ("d", json!({ "transform": "{'id': event.data.id}" })),
        ("e", json!({ "transform": "event.data.missing" })),
    ] {
        api.endpoint(declare(id, more)).await;
    }
    let event = json!({ "type": "order.paid", "data": { "id": 7, "paid": false } });
    let items = preview(&api, json!({ "event": event })).await;
    let data = json!(r#"{"id":7,"paid":false}"#);
    assert_eq!(
        items[..4],
        [
            item(json!("a"), true, false, data, Value::Null),
            item(json!("b"), false, false, Value::Null, Value::Null),
            item(json!("c"), true, true, Value::Null, Value::Null),
            item(json!("d"), true, false, json!(r#"{"id":7}"#), Value::Null),
        ]
    );
    assert!(
        items[4]["error"]
            .as_str()
            .unwrap()
            .starts_with("transform: "),
        "{items:?}"
    );

    // An endpoint that is not stored, for a stored event.
    let published = json!({ "id": "evt_1", "type": "order.paid", "data": { "id": 8 } });
    let published = api
        .send("POST", "/v1/tenants/acme/events", Some(published))
        .await;
    assert_eq!(published.status, 202);
    let endpoint = json!({ "url": "http://127.0.0.1:9/", "events": ["*"],
        "transform": "{'order': event.data.id}" });
    let items = preview(&api, json!({ "event_id": "evt_1", "endpoint": endpoint })).await;
    assert_eq!(
        items,
        [item(
            Value::Null,
            true,
            false,
            json!(r#"{"order":8}"#),
            Value::Null
        )]
    );

    let events = api
        .send("GET", "/v1/tenants/acme/events", None)
        .await
        .json();
    assert_eq!(events["items"].as_array().unwrap().len(), 1, "{events}");
    let endpoints = api
        .send("GET", "/v1/tenants/acme/endpoints", None)
        .await
        .json();
    assert_eq!(endpoints["items"].as_array().unwrap().len(), 5);
    for (body, status) in [
        (json!({}), 422),
        (json!({ "event_id": "evt_1", "event": event }), 422),
        (json!({ "event_id": "evt_2" }), 404),
        (
            json!({ "event": event, "endpoint": { "url": "nothing" } }),
            422,
        ),
    ] {
        let reply = api.send("POST", PREVIEW, Some(body.clone())).await;
        assert_eq!(reply.status, status, "{body}: {}", reply.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_delivery_is_signed_sent_at_once_and_not_stored() {
    let api = Api::start().await;
    let receiver = Receiver::start(Duration::ZERO).await;
    let url = format!("http://{}/hook", receiver.address);
    // Neither the filter nor the transform applies to test events.
    api.endpoint(
        json!({ "id": "orders", "url": url, "events": ["order.*"], "secret": SECRET,
        "filter": "event.data.paid" }),
    )
    .await;
    let test = "/v1/tenants/acme/endpoints/orders/test";
    let first = api.send("POST", test, None).await;
    assert_eq!(first.status, 200, "{}", first.text());
    let attempt = first.json();
    assert_eq!(
        (&attempt["status"], &attempt["error"]),
        (&json!(200), &Value::Null)
    );
    assert_eq!(attempt["type"], "webhook.test");
    let own = json!({ "type": "order.paid", "data": { "paid": true } });
    assert_eq!(
        api.send("POST", test, Some(own)).await.json()["status"],
        200
    );
    receiver.counts.reach(2).await;
    assert_eq!(receiver.counts.refused(), Vec::<String>::new());
    for list in ["events", "deliveries"] {
        let path = format!("/v1/tenants/acme/{list}");
        let page = api.send("GET", &path, None).await.json();
        assert_eq!(page["items"], json!([]), "{list}");
    }
    let unknown = "/v1/tenants/acme/endpoints/nothing/test";
    assert_eq!(api.send("POST", unknown, None).await.status, 404);
    let path = "/v1/tenants/acme/endpoints/orders";
    let disable = json!({ "enabled": false });
    assert_eq!(api.send("PATCH", path, Some(disable)).await.status, 200);
    assert_eq!(api.send("POST", test, None).await.status, 409);
}

#[tokio::test]
async fn a_test_delivery_goes_to_no_address_that_deliveries_may_not_go_to() {
    let api = Api::start().await;
    let url = "http://127.0.0.2:9/";
    api.endpoint(json!({ "id": "inside", "url": url, "events": ["*"] }))
        .await;
    let Api { sender, setting } = api;
    assert!(sender.stop().success());
    let config = format!(
        "token = \"{TOKEN}\"\n[delivery]\nallow_http = true\n\
         allow_networks = [\"127.0.0.0/8\"]\ndeny_networks = [\"127.0.0.2/32\"]\n"
    );
    setting.configure("sender", &config);
    let sender = setting.start("sender");
    let api = Api { sender, setting };
    let test = "/v1/tenants/acme/endpoints/inside/test";
    let attempt = api.send("POST", test, None).await.json();
    assert_eq!(attempt["phase"], "address", "{attempt}");
    assert_eq!(attempt["status"], Value::Null);
}

async fn follow(api: &Api, key: &str) -> Connection {
    let address = api
        .sender
        .api
        .trim_start_matches("http://")
        .parse()
        .unwrap();
    let mut connection = Connection::open(address).await;
    let head = format!(
        "GET /v1/tenants/acme/deliveries/stream HTTP/1.1\r\nHost: localhost\r\n\
         Authorization: Bearer {key}\r\n\r\n"
    );
    connection.send(head.as_bytes()).await;
    connection.read_until(": following").await;
    connection
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_shows_events_attempts_and_changes_until_the_key_is_revoked() {
    let api = Api::start().await;
    let receiver = Receiver::start(Duration::ZERO).await;
    let (id, key) = create_key(&api, "shop", "viewer", Some("acme")).await;
    let mut stream = follow(&api, &key).await;
    let url = format!("http://{}/hook", receiver.address);
    api.endpoint(json!({ "id": "orders", "url": url, "events": ["*"], "secret": SECRET }))
        .await;
    stream.read_until("\"action\":\"endpoint.create\"").await;
    let event = json!({ "id": "evt_1", "type": "a.b", "data": 1 });
    api.send("POST", "/v1/tenants/acme/events", Some(event))
        .await;
    stream.read_until("event: event-planned").await;
    stream.read_until("event: attempt").await;
    stream.read_until("\"state\":\"succeeded\"").await;
    assert!(!stream.received().contains(SECRET));
    api.send("DELETE", &format!("/v1/keys/{id}"), None).await;
    // The last chunk of the response.
    stream.read_until("\r\n0\r\n\r\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stalls_delays_no_delivery() {
    let api = Api::start().await;
    let receiver = Receiver::start(Duration::ZERO).await;
    let _stalled = follow(&api, TOKEN).await;
    let url = format!("http://{}/hook", receiver.address);
    api.endpoint(json!({ "id": "orders", "url": url, "events": ["*"], "secret": SECRET }))
        .await;
    for batch in 0..10 {
        let publish = (0..50).map(|number| {
            let id = format!("evt_{batch}_{number}");
            let event = json!({ "id": id, "type": "a.b", "data": 1 });
            api.send("POST", "/v1/tenants/acme/events", Some(event))
        });
        for reply in futures::future::join_all(publish).await {
            assert_eq!(reply.status, 202);
        }
    }
    receiver.counts.reach(500).await;
    assert_eq!(receiver.counts.duplicates(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_manage_keys_and_portal_sessions_and_preview() {
    let api = Api::start().await;
    let run = |arguments: &[&str]| {
        let token = ["--token", TOKEN, "--json"];
        let output = api.sender.command(&[arguments, &token].concat());
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {error}");
        let text = String::from_utf8(output.stdout).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.collect::<Vec<Value>>()
    };
    let create = [
        "keys", "create", "shop", "--role", "viewer", "--tenant", "acme",
    ];
    let key = run(&create).remove(0);
    assert!(key["key"].as_str().unwrap().starts_with("wkey_"), "{key}");
    let id = key["id"].as_str().unwrap();
    assert_eq!(run(&["keys"])[1]["id"], id);
    run(&["keys", "revoke", id]);
    assert_eq!(run(&["keys"]).len(), 1);
    let portal = ["portal", "--tenant", "acme"];
    let opened = run(&[&portal[..], &["open", "--expires-in", "5m"]].concat()).remove(0);
    let session = opened["id"].as_str().unwrap();
    assert_eq!(run(&portal)[0]["id"], session);
    run(&[&portal[..], &["renew", session]].concat());
    run(&[&portal[..], &["revoke", session]].concat());
    assert_eq!(run(&portal), Vec::<Value>::new());
    api.endpoint(json!({ "id": "a", "url": "http://127.0.0.1:9/", "events": ["*"] }))
        .await;
    // Numbers keep their text.
    let data = "[1, 1e3, 12345678901234567890123]";
    let shown = run(&[
        "preview", "--tenant", "acme", "--type", "a.b", "--data", data,
    ]);
    assert_eq!(shown[0]["body"], data);
}
