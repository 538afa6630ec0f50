//! Endpoints that fail, respond with 410, or have not accepted their key.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::{Behaviour, Request};

use crate::fixtures::{LOOPBACK, ended, endpoints, publish, until_seen, with_secret};
use crate::sender::{Setting, Store};

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_sends_the_receiver_the_key_that_signs() {
    let receiver = test_support::Receiver::start().await;
    let setting = Setting::new(Store::Sqlite).await;
    let allow = "[delivery]\nallow_http = true\nallow_networks = [\"127.0.0.0/8\"]\n";
    setting.configure("sender", allow);
    let sender = setting.start("sender");
    let base = format!("{}/v1/tenants/acme", sender.api);
    assert_eq!(Request::new("PUT", &base).send().await.status, 201);
    let body = json!({
        "url": receiver.url("/hook?a=b"), "events": ["*"], "handshake": "key",
    });
    let endpoints = format!("{base}/endpoints");
    let reply = Request::post(&endpoints)
        .json(body.to_string())
        .send()
        .await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let event = json!({ "id": "evt_1", "type": "order.shipped", "data": { "n": 1 } });
    Request::post(format!("{base}/events"))
        .json(event.to_string())
        .send()
        .await;

    let requests = receiver.received(2).await;
    assert_eq!(requests[0].query.as_deref(), Some("a=b&handshake=true"));
    let handshake: serde_json::Value = serde_json::from_slice(&requests[0].body).expect("JSON");
    let key = handshake["keyData"].as_str().expect("a key");
    assert_eq!(key.len(), 36);
    let keys = [webhook_signature::Credential::parse(key).expect("a key")];
    let headers = requests[1].headers.iter();
    let headers = headers.map(|(name, value)| (name.as_str(), &value[..]));
    let request = webhook_signature::Request::new(headers, &requests[1].body);
    let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
    let now = webhook_signature::Freshness::at(now.expect("after 1970").as_secs());
    let verified =
        webhook_signature::verify(&keys, &request, now, webhook_signature::Scheme::Standard);
    assert_eq!(verified.map(|verified| verified.id), Ok(Some("evt_1")));

    receiver.on("/refused", Behaviour::status(403));
    let body = json!({ "url": receiver.url("/refused"), "events": ["*"], "handshake": "key" });
    let reply = Request::post(&endpoints)
        .json(body.to_string())
        .send()
        .await;
    assert_eq!(
        (reply.status, reply.json()["code"].as_str()),
        (502, Some("handshake-failed"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_410_disables_the_endpoint_and_sends_an_operational_event() {
    let receiver = test_support::Receiver::start().await;
    receiver.on("/gone", Behaviour::status(410));
    let setting = Setting::new(Store::Sqlite).await;
    let (gone, told, all) = (
        with_secret("order.*"),
        with_secret("operational.*"),
        with_secret("*"),
    );
    let declared = [("gone", &*gone), ("told", &*told), ("all", &*all)];
    setting.configure(
        "sender",
        &format!("{LOOPBACK}{}", endpoints(&receiver, &declared)),
    );
    let sender = setting.start("sender");
    publish(&sender, "evt_1", "order.shipped").await;
    let disabled = |endpoint: &Value| endpoint["enabled"] == false;
    let endpoint = until_seen(&sender, "endpoints/gone", disabled).await;
    let reason = endpoint["disabled_reason"].as_str().unwrap_or_default();
    assert!(reason.contains("410"), "{endpoint}");

    until_seen(
        &sender,
        "deliveries?endpoint=told&state=succeeded",
        |page| page["items"][0]["type"] == "operational.endpoint.disabled",
    )
    .await;
    let told = receiver.requests_to("/told");
    assert_eq!(told.len(), 1);
    let said = told[0].json();
    assert_eq!(
        (&said["endpoint"], &said["reason"]),
        (&json!("gone"), &json!(reason))
    );
    // `*` matches the events of tenants, not those of the sender.
    ended(&sender, "evt_1", "succeeded").await;
    assert_eq!(receiver.requests_to("/all").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_fails_for_longer_than_the_file_allows_is_disabled() {
    let receiver = test_support::Receiver::start().await;
    receiver.on("/orders", Behaviour::status(500));
    let setting = Setting::new(Store::Sqlite).await;
    let declared = endpoints(&receiver, &[("orders", &with_secret("*"))]);
    let config =
        |more: &str| format!("{LOOPBACK}{more}[retry.default]\nschedule = [\"0s\"]\n{declared}");
    setting.configure("sender", &config(""));
    let sender = setting.start("sender");
    publish(&sender, "evt_1", "order.shipped").await;
    ended(&sender, "evt_1", "dead").await;
    assert!(sender.stop().success());
    // It has failed for an hour, which is less than five days.
    let store = rusqlite::Connection::open(setting.folder().join("sender.db")).expect("the store");
    let hour_ago = std::time::SystemTime::now() - Duration::from_secs(3600);
    let hour_ago = hour_ago.duration_since(std::time::SystemTime::UNIX_EPOCH);
    let changed = store.execute(
        "UPDATE endpoints SET definition = json_set(definition, '$.failing_since', ?1)",
        [i64::try_from(hour_ago.expect("after 1970").as_millis()).expect("a moment")],
    );
    assert_eq!(changed.expect("it is changed"), 1);
    drop(store);
    setting.configure("sender", &config("disable_after = \"30m\"\n"));
    let sender = setting.start("sender");
    publish(&sender, "evt_2", "order.shipped").await;
    until_seen(&sender, "endpoints/orders", |endpoint| {
        endpoint["enabled"] == false
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_of_the_file_is_retried_until_the_receiver_accepts_it() {
    let receiver = test_support::Receiver::start().await;
    receiver.on("/orders", Behaviour::status(503));
    let setting = Setting::new(Store::Sqlite).await;
    let declared = [("orders", "events = [\"*\"]\nhandshake = \"key\"")];
    setting.configure(
        "sender",
        &format!("{LOOPBACK}{}", endpoints(&receiver, &declared)),
    );
    let sender = setting.start("sender");
    sender.logged("handshake failed").await;
    receiver.on("/orders", Behaviour::status(200));
    let made = |endpoint: &Value| endpoint["handshake"] == "key";
    until_seen(&sender, "endpoints/orders", made).await;
    let handshakes = receiver.requests();
    let is_handshake =
        |request: &&test_support::Recorded| request.query.as_deref() == Some("handshake=true");
    assert!(handshakes.iter().all(|request| is_handshake(&request)));
    assert!(handshakes.len() >= 2);
    let key = handshakes.last().expect("one").json()["keyData"].clone();
    let key = key.as_str().expect("a key").to_owned();
    publish(&sender, "evt_1", "order.shipped").await;
    ended(&sender, "evt_1", "succeeded").await;
    let requests = receiver.requests();
    let delivery = requests.last().expect("the delivery");
    let keys = [webhook_signature::Credential::parse(&key).expect("a key")];
    let headers = delivery
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), &value[..]));
    let request = webhook_signature::Request::new(headers, &delivery.body);
    let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
    let now = webhook_signature::Freshness::at(now.expect("after 1970").as_secs());
    webhook_signature::verify(&keys, &request, now, webhook_signature::Scheme::Standard)
        .expect("its own key");
    assert!(!sender.log().contains(&key));
}
