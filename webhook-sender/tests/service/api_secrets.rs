//! Secrets that are never shown, and keys that only one receiver gets.

use std::time::SystemTime;

use serde_json::{Value, json};
use test_support::Receiver;
use webhook_signature::{Freshness, Request, Scheme, verify};

use crate::api_world::{Api, TOKEN};

const ENDPOINT: &str = "/v1/tenants/acme/endpoints/orders";

fn hidden(receiver: &Receiver) -> Value {
    json!({
        "id": "orders", "url": format!("{}?shop=7&token=s3cret-query", receiver.url("/hook")),
        "events": ["*"], "headers": { "Authorization": "Bearer s3cret-header", "X-Shop": "s3cret-7" },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_headers_and_tokens_in_urls_are_shown_nowhere() {
    let api = Api::start().await;
    let receiver = Receiver::start().await;
    let made = api.endpoint(hidden(&receiver)).await;
    assert_eq!(
        made["headers"],
        json!({ "Authorization": "***", "X-Shop": "***" })
    );
    let url = format!("{}?shop=7&token=***", receiver.url("/hook"));
    assert_eq!(made["url"], json!(url));
    let mut seen = vec![made.to_string()];
    for path in [ENDPOINT, "/v1/tenants/acme/endpoints"] {
        seen.push(api.send("GET", path, None).await.text());
    }
    let broken = [
        json!({ "headers": { "Authorization": "Bearer s3cret-é" } }),
        json!({ "headers": { "Host": "s3cret" } }),
        json!({ "url": "ftp://host/?token=s3cret" }),
    ];
    for change in broken {
        let reply = api.send("PATCH", ENDPOINT, Some(change)).await;
        assert_eq!(reply.status, 422);
        seen.push(reply.text());
    }
    for words in [["list"].as_slice(), &["show", "orders"]] {
        let command = ["endpoints", "--token", TOKEN, "--tenant", "acme"];
        let output = api.sender.command(&[&command, words].concat());
        assert!(output.status.success(), "{output:?}");
        seen.push(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    seen.push(api.sender.log());
    for text in seen {
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[tokio::test]
async fn a_change_that_sends_the_mask_back_keeps_what_is_stored() {
    let api = Api::start().await;
    let receiver = Receiver::start().await;
    let shown = api.endpoint(hidden(&receiver)).await;
    let change = json!({
        "url": shown["url"], "events": ["order.*"],
        "headers": { "authorization": "***", "X-New": "new" },
    });
    let changed = api.send("PATCH", ENDPOINT, Some(change)).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    let kept = json!({ "authorization": "***", "X-New": "***" });
    assert_eq!(changed.json()["headers"], kept);
    let event = json!({ "type": "order.paid", "data": 1 });
    api.send("POST", "/v1/tenants/acme/events", Some(event))
        .await;
    let received = receiver.received(1).await;
    let header = |name: &str| received[0].header(name);
    assert_eq!(header("authorization"), Some("Bearer s3cret-header"));
    assert_eq!((header("x-new"), header("x-shop")), (Some("new"), None));
    let query = received[0].query.as_deref();
    assert_eq!(query, Some("shop=7&token=s3cret-query"));
}

#[tokio::test]
async fn a_mask_without_a_value_that_is_stored_for_it_is_refused() {
    let api = Api::start().await;
    let receiver = Receiver::start().await;
    api.endpoint(hidden(&receiver)).await;
    let elsewhere = "http://127.0.0.1:9/hook?shop=7&token=***";
    for change in [
        json!({ "url": elsewhere }),
        json!({ "headers": { "X-Other": "***" } }),
    ] {
        let reply = api.send("PATCH", ENDPOINT, Some(change.clone())).await;
        assert_eq!(reply.status, 422, "{change}");
        assert!(reply.text().contains("`***`"), "{}", reply.text());
    }
    let new = json!({ "url": elsewhere, "events": ["*"], "headers": { "X-Other": "***" } });
    let reply = api
        .send("POST", "/v1/tenants/acme/endpoints", Some(new))
        .await;
    assert_eq!(reply.status, 422);
}

/// Returns the keys that a receiver was given.
fn keys(receiver: &Receiver, path: &str) -> Vec<String> {
    let requests = receiver.requests_to(path);
    let bodies = requests.iter().map(|request| {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        body["keyData"].as_str().unwrap().to_owned()
    });
    bodies.collect()
}

#[tokio::test]
async fn a_handshake_of_an_endpoint_that_is_there_makes_a_new_key() {
    let api = Api::start().await;
    let receiver = Receiver::start().await;
    let made = api
        .endpoint(json!({ "id": "orders", "url": "http://127.0.0.1:9/", "events": ["*"] }))
        .await;
    let secret = made["secret"].as_str().unwrap();
    let patch = async |change: Value| {
        let reply = api.send("PATCH", ENDPOINT, Some(change)).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    };
    patch(json!({ "handshake": "key", "url": receiver.url("/first") })).await;
    patch(json!({ "url": receiver.url("/second") })).await;
    let (first, second) = (keys(&receiver, "/first"), keys(&receiver, "/second"));
    assert_eq!((first.len(), second.len()), (1, 1));
    assert!(first[0] != secret && second[0] != secret && first != second);
    // The key that was given last is the one that signs.
    let event = json!({ "type": "order.paid", "data": 1 });
    api.send("POST", "/v1/tenants/acme/events", Some(event))
        .await;
    let delivered = receiver.received(3).await.pop().unwrap();
    let signed = |key: &str| {
        let credential = webhook_signature::Credential::parse(key).unwrap();
        let headers = delivered.headers.iter();
        let headers = headers.map(|(name, value)| (name.as_str(), value.as_slice()));
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = Freshness::at(now.unwrap().as_secs());
        let headers: Vec<_> = headers.collect();
        let request = Request::new(headers, &delivered.body);
        verify(&[credential], &request, now, Scheme::Standard).is_ok()
    };
    assert!(signed(&second[0]) && !signed(&first[0]) && !signed(secret));
}

#[tokio::test]
async fn a_stored_header_follows_to_no_other_host() {
    let api = Api::start().await;
    let (receiver, other) = (Receiver::start().await, Receiver::start().await);
    api.endpoint(hidden(&receiver)).await;
    let moved = json!({ "url": other.url("/hook") });
    let reply = api.send("PATCH", ENDPOINT, Some(moved)).await;
    assert_eq!(reply.status, 422, "{}", reply.text());
    assert!(reply.text().contains("Authorization"), "{}", reply.text());
    let moved = json!({ "url": other.url("/hook"), "headers": { "X-Shop": "8" } });
    let reply = api.send("PATCH", ENDPOINT, Some(moved)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
}
