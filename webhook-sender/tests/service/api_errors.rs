//! Rejected requests: changes and events, the file, and a store that is down.

use serde_json::{Value, json};
use test_support::{Request, with_timeout};

use crate::api_rejections::{Case, check};
use crate::api_world::{Api, TOKEN};
use crate::sender::{Setting, Store};

#[tokio::test]
async fn rejected_changes_and_events_are_problem_documents() {
    let api = Api::start().await;
    let e = "/v1/tenants/acme/endpoints";
    let events = "/v1/tenants/acme/events";
    let url = "http://127.0.0.1:9/hook";
    api.endpoint(json!({ "id": "orders", "url": url, "events": ["order.*"] }))
        .await;
    let cases: &[Case] = &[
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "transform": "nope.x"})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "secret": "whsec_short"})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "schemes": ["md5"]})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "schemes": []})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "retry": "never"})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "retry": {"schedule": []}})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "timeout": "soon"})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "timeout": "31s"})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "rate_limit": 0})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "max_in_flight": 0})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "id": "Orders"})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "headers": {"host": "x"}})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "headers": {"webhook-id": "x"}})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "colour": "red"})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "id": "orders"})),
            409,
            "conflict",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "handshake": "key"})),
            502,
            "handshake-failed",
        ),
        (
            "PATCH",
            "/v1/tenants/acme/endpoints/orders",
            Some(json!({"url": "nowhere"})),
            422,
            "invalid",
        ),
        (
            "PATCH",
            "/v1/tenants/acme/endpoints/orders",
            Some(json!({"secret": "x"})),
            422,
            "invalid",
        ),
        (
            "POST",
            "/v1/tenants/acme/endpoints/orders/rotate-secret",
            Some(json!({"overlap": "long"})),
            422,
            "invalid",
        ),
        ("POST", events, Some(json!({"data": 1})), 422, "invalid"),
        (
            "POST",
            events,
            Some(json!({"type": "order.shipped"})),
            422,
            "invalid",
        ),
        (
            "POST",
            events,
            Some(json!({"type": "", "data": 1})),
            422,
            "invalid",
        ),
        (
            "POST",
            events,
            Some(json!({"type": "order..x", "data": 1})),
            422,
            "invalid",
        ),
        (
            "POST",
            events,
            Some(json!({"type": "operational.x", "data": 1})),
            422,
            "invalid",
        ),
        (
            "POST",
            events,
            Some(json!({"type": "a", "data": 1, "id": "a.b"})),
            422,
            "invalid",
        ),
        (
            "POST",
            events,
            Some(json!({"type": "a", "data": 1, "id": ""})),
            422,
            "invalid",
        ),
        (
            "POST",
            events,
            Some(json!({"type": "a", "data": 1, "timestamp": "noon"})),
            422,
            "invalid",
        ),
        (
            "POST",
            events,
            Some(json!({"type": "a", "data": 1, "colour": "red"})),
            400,
            "bad-body",
        ),
    ];
    check(&api, cases).await;
}

#[tokio::test]
async fn invalid_bodies_have_different_codes() {
    let api = Api::start().await;
    let path = "/v1/tenants/acme/events";
    let code = async |request: Request| {
        let reply = request.send().await;
        (
            reply.status,
            reply.json()["code"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let broken = api.request("POST", path).json("{\"type\": ");
    assert_eq!(code(broken).await, (400, "bad-body".into()));
    let untyped = api
        .request("POST", path)
        .body(r#"{"type": "a", "data": 1}"#);
    assert_eq!(code(untyped).await, (415, "not-json".into()));
    let huge = format!(r#"{{"type": "a", "data": "{}"}}"#, "x".repeat(3 << 20));
    let huge = api.request("POST", path).json(huge);
    assert_eq!(code(huge).await, (413, "too-large".into()));
}

/// Repeats a request until the response has `status`, and returns its problem document.
async fn problem(api: &Api, method: &str, path: &str, body: Option<Value>, status: u16) -> Value {
    let refused = async {
        loop {
            let reply = api.send(method, path, body.clone()).await;
            if reply.status == status {
                return reply;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let reply = with_timeout(refused, || format!("{method} {path}: {status}")).await;
    assert_eq!(
        reply.header("content-type"),
        Some("application/problem+json")
    );
    reply.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_store_a_sender_responds_with_problem_documents() {
    for store in [Store::Redis, Store::Postgres] {
        requests_without_a_store(store).await;
    }
}

async fn requests_without_a_store(store: Store) {
    let mut setting = Setting::new(store).await;
    setting.configure("sender", &format!("token = \"{TOKEN}\"\n"));
    let sender = setting.start("sender");
    // Dropping a server kills it.
    setting.redis = None;
    setting.postgres = None;
    let api = Api { sender, setting };
    let event = || Some(json!({ "type": "a", "data": 1 }));
    let cases = [
        ("GET", "/v1/tenants", None, "store-unavailable"),
        ("PUT", "/v1/tenants/acme", None, "store-unavailable"),
        ("GET", "/readyz", None, "not-ready"),
        ("POST", "/v1/tenants/acme/events", event(), "not-planned"),
    ];
    for (method, path, body, code) in cases {
        let said = problem(&api, method, path, body, 503).await;
        assert_eq!(said["code"], code, "{method} {path}: {said}");
    }
}

#[tokio::test]
async fn endpoints_of_the_file_cannot_be_changed_by_the_api() {
    let filed = format!(
        "[[tenant]]\nid = \"filed\"\n[[tenant.endpoint]]\nid = \"orders\"\n\
         url = \"http://127.0.0.1:9/hook\"\nevents = [\"*\"]\nsecret = \"{}\"\n",
        crate::sender::SECRET
    );
    let api = Api::start_with(&filed).await;
    let path = "/v1/tenants/filed/endpoints/orders";
    let rotate = format!("{path}/rotate-secret");
    let cases = [
        ("PATCH", path, Some(json!({ "rate_limit": 1 }))),
        ("DELETE", path, None),
        ("POST", &rotate, Some(json!({}))),
    ];
    for (method, path, body) in cases {
        let said = problem(&api, method, path, body, 409).await;
        assert_eq!(said["code"], "conflict", "{said}");
        let detail = said["detail"].as_str().unwrap_or_default();
        assert!(detail.contains("configuration file"), "{said}");
    }
    // Except for `enabled`, which the sender changes itself.
    let off = api.send("PATCH", path, Some(json!({ "enabled": false })));
    assert_eq!(off.await.status, 200);
}
