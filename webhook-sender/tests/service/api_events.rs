//! Events that are published.

use std::process::Output;
use std::time::Duration;

use serde_json::{Value, json};
use test_support::with_timeout;

use crate::api_world::Api;
use crate::receiver::Receiver;
use crate::sender::{SECRET, Store};

const EVENTS: &str = "/v1/tenants/acme/events";

async fn an_id_belongs_to_one_content(store: Store) {
    let api = Api::start_on(store, "").await;
    let receiver = Receiver::start(Duration::ZERO).await;
    let url = format!("http://{}/hook", receiver.address);
    api.endpoint(json!({ "url": url, "events": ["*"], "secret": SECRET }))
        .await;
    let publish = async |kind: &str, data: Value, key: Option<&str>| {
        let event = json!({ "id": "evt_1", "type": kind, "data": data, "ordering_key": key });
        let reply = api.send("POST", EVENTS, Some(event)).await;
        let problem = reply.json();
        (
            reply.status,
            problem["duplicate"].clone(),
            problem["code"].clone(),
        )
    };
    let new = (202, Value::Null, Value::Null);
    let duplicate = (202, json!(true), Value::Null);
    let conflict = (409, Value::Null, json!("conflicting-id"));
    assert_eq!(publish("order.paid", json!({"a": 1}), None).await, new);
    assert_eq!(
        publish("order.paid", json!({"a": 1}), None).await,
        duplicate
    );
    let keyed = publish("order.paid", json!({"a": 1}), Some("key"));
    assert_eq!(keyed.await, duplicate);
    assert_eq!(publish("order.paid", json!({"a": 2}), None).await, conflict);
    assert_eq!(publish("order.sent", json!({"a": 1}), None).await, conflict);
    api.delivery("evt_1", "succeeded").await;
    assert_eq!(receiver.counts.duplicates(), 0);
}

#[tokio::test]
async fn an_id_published_with_other_content_is_refused() {
    an_id_belongs_to_one_content(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_published_with_other_content_is_refused_on_redis() {
    an_id_belongs_to_one_content(Store::Redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_published_with_other_content_is_refused_on_postgresql() {
    an_id_belongs_to_one_content(Store::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_of_the_stream_whose_id_belongs_to_another_event_is_kept_as_rejected() {
    let api = Api::start_on(Store::SqliteWithStream, "").await;
    let redis = api.setting.redis.as_ref().unwrap();
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    for data in ["1", "1", "2"] {
        let fields = [
            ("tenant", "acme"),
            ("type", "a.b"),
            ("id", "evt_1"),
            ("data", data),
        ];
        let mut add = redis::cmd("XADD");
        add.arg("events").arg("*").arg(&fields);
        let _: String = add.query_async(&mut connection).await.unwrap();
    }
    let path = "/v1/tenants/acme/dead-letters";
    let found = async {
        loop {
            let page = api.send("GET", path, None).await.json();
            if page["items"]
                .as_array()
                .is_some_and(|items| !items.is_empty())
            {
                return page["items"].clone();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let items = with_timeout(found, || api.sender.log()).await;
    assert_eq!(items.as_array().map(Vec::len), Some(1), "{items}");
    assert_eq!(items[0]["code"], "conflicting-id", "{items}");
    let fields = items[0]["fields"].as_array().unwrap();
    assert!(fields.contains(&json!(["data", "2"])), "{items}");
}

fn text(output: &Output) -> String {
    let (out, error) = (&output.stdout, &output.stderr);
    format!(
        "{}{}",
        String::from_utf8_lossy(out),
        String::from_utf8_lossy(error)
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn null_is_data() {
    let api = Api::start().await;
    let receiver = test_support::Receiver::start().await;
    let endpoint = json!({
        "url": receiver.url("/hook"), "events": ["*"], "filter": "event.data == null",
    });
    api.endpoint(endpoint).await;
    let event = api
        .request("POST", EVENTS)
        .json(r#"{"type": "a", "data": null}"#);
    assert_eq!(event.send().await.status, 202);
    let published = api.sender.command(&[
        "publish",
        "--token",
        crate::api_world::TOKEN,
        "--tenant",
        "acme",
        "--type",
        "a",
        "--data",
        "null",
    ]);
    assert!(published.status.success(), "{}", text(&published));
    let file = api.setting.folder().join("events.jsonl");
    std::fs::write(&file, "{\"type\": \"a\", \"data\": null}\n").unwrap();
    let published = api.sender.command(&[
        "publish",
        "--token",
        crate::api_world::TOKEN,
        "--tenant",
        "acme",
        "--file",
        file.to_str().unwrap(),
    ]);
    assert!(published.status.success(), "{}", text(&published));
    for request in receiver.received(3).await {
        assert_eq!(request.body[..], *b"null");
    }
    let missing = api.send("POST", EVENTS, Some(json!({ "type": "a" }))).await;
    assert_eq!(missing.status, 422);
    assert_eq!(missing.json()["detail"], "`data` is missing");
}
