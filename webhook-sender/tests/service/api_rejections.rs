//! Rejected requests: paths, and declarations of endpoints.

use serde_json::{Value, json};

use crate::api_world::{Api, TOKEN};

/// A request: method, path and body, and the expected status and code.
pub type Case<'a> = (&'a str, &'a str, Option<Value>, u16, &'a str);

/// Checks that each request is rejected with a problem document.
pub async fn check(api: &Api, cases: &[Case<'_>]) {
    for (method, path, body, status, code) in cases {
        let reply = api.send(method, path, body.clone()).await;
        let shown = format!(
            "{method} {path} {body:?}: {} {}",
            reply.status,
            reply.text()
        );
        assert_eq!(reply.status, *status, "{shown}");
        assert_eq!(
            reply.header("content-type"),
            Some("application/problem+json"),
            "{shown}"
        );
        assert_eq!(reply.json()["code"], *code, "{shown}");
    }
}

#[tokio::test]
async fn rejected_paths_and_declarations_are_problem_documents() {
    let api = Api::start().await;
    let e = "/v1/tenants/acme/endpoints";
    let url = "http://127.0.0.1:9/hook";
    api.endpoint(json!({ "id": "orders", "url": url, "events": ["order.*"] }))
        .await;
    let cases: &[Case] = &[
        ("GET", "/v1/nothing", None, 404, "not-found"),
        ("GET", "/nothing", None, 404, "not-found"),
        ("DELETE", "/v1/tenants", None, 405, "method-not-allowed"),
        ("PUT", "/v1/tenants/Acme", None, 422, "invalid"),
        ("PUT", "/v1/tenants/-acme", None, 422, "invalid"),
        ("GET", "/v1/tenants/nobody", None, 404, "not-found"),
        ("DELETE", "/v1/tenants/nobody", None, 404, "not-found"),
        (
            "GET",
            "/v1/tenants/nobody/endpoints",
            None,
            404,
            "not-found",
        ),
        ("GET", "/v1/tenants/%FF", None, 400, "bad-path"),
        (
            "GET",
            "/v1/tenants/nobody/deliveries",
            None,
            404,
            "not-found",
        ),
        (
            "GET",
            "/v1/tenants/nobody/dead-letters",
            None,
            404,
            "not-found",
        ),
        (
            "POST",
            "/v1/tenants/nobody/events",
            Some(json!({"type": "a", "data": 1})),
            404,
            "not-found",
        ),
        (
            "POST",
            "/v1/tenants/nobody/replay",
            Some(json!({"state": "dead"})),
            404,
            "not-found",
        ),
        (
            "GET",
            "/v1/tenants/acme/endpoints/other",
            None,
            404,
            "not-found",
        ),
        (
            "PATCH",
            "/v1/tenants/acme/endpoints/other",
            Some(json!({"enabled": false})),
            404,
            "not-found",
        ),
        (
            "DELETE",
            "/v1/tenants/acme/endpoints/other",
            None,
            404,
            "not-found",
        ),
        (
            "POST",
            "/v1/tenants/acme/endpoints/other/rotate-secret",
            Some(json!({})),
            404,
            "not-found",
        ),
        (
            "GET",
            "/v1/tenants/acme/deliveries/dlv_0",
            None,
            404,
            "not-found",
        ),
        (
            "GET",
            "/v1/tenants/acme/deliveries?state=lost",
            None,
            422,
            "invalid",
        ),
        (
            "GET",
            "/v1/tenants/acme/deliveries?limit=0",
            None,
            422,
            "invalid",
        ),
        (
            "GET",
            "/v1/tenants/acme/deliveries?limit=many",
            None,
            400,
            "bad-query",
        ),
        (
            "GET",
            "/v1/tenants/acme/deliveries?colour=red",
            None,
            400,
            "bad-query",
        ),
        (
            "GET",
            "/v1/tenants/acme/deliveries?from=yesterday",
            None,
            422,
            "invalid",
        ),
        (
            "GET",
            "/v1/tenants/acme/deliveries?cursor=%21",
            None,
            400,
            "bad-cursor",
        ),
        (
            "POST",
            "/v1/dead-letters/none/retry",
            Some(json!({})),
            404,
            "not-found",
        ),
        (
            "POST",
            "/v1/tenants/acme/replay",
            Some(json!({})),
            422,
            "invalid",
        ),
        (
            "POST",
            "/v1/tenants/acme/replay",
            Some(json!({"delivery": "dlv_0"})),
            404,
            "not-found",
        ),
        (
            "POST",
            "/v1/tenants/acme/replay",
            Some(json!({"all": true})),
            400,
            "bad-body",
        ),
        ("POST", e, Some(json!({"events": ["*"]})), 422, "invalid"),
        ("POST", e, Some(json!({"url": url})), 422, "invalid"),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": []})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["a*"]})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": "ftp://host/x", "events": ["*"]})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": "http://u:p@host/x", "events": ["*"]})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": "http://10.0.0.1/", "events": ["*"]})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": "http://0x7f.1:80@10.0.0.1/", "events": ["*"]})),
            422,
            "invalid",
        ),
        (
            "POST",
            e,
            Some(json!({"url": url, "events": ["*"], "filter": "event.data."})),
            422,
            "invalid",
        ),
    ];
    check(&api, cases).await;
}

#[tokio::test]
async fn a_tenant_gets_no_more_endpoints_than_its_limit() {
    let limits =
        "[limits]\nendpoints = 1\n[[tenant]]\nid = \"large\"\n[tenant.limits]\nendpoints = 2\n";
    let api = Api::start_with(limits).await;
    for (tenant, limit) in [("acme", 1), ("large", 2)] {
        let path = format!("/v1/tenants/{tenant}/endpoints");
        let declared = json!({ "url": "http://127.0.0.1:9/", "events": ["*"] });
        for _ in 0..limit {
            let added = api.send("POST", &path, Some(declared.clone())).await;
            assert_eq!(added.status, 201, "{tenant}: {}", added.text());
        }
        let refused = api.send("POST", &path, Some(declared)).await;
        assert_eq!(refused.status, 409, "{tenant}: {}", refused.text());
        let problem = refused.json();
        assert_eq!(problem["code"], "too-many-endpoints", "{problem}");
        let detail = format!("tenant `{tenant}` has reached its limit of {limit} endpoints");
        assert_eq!(problem["detail"], detail);
    }
}

#[tokio::test]
async fn a_change_whose_selection_is_not_understood_changes_nothing() {
    let api = Api::start().await;
    let declared = json!({ "id": "orders", "url": "http://127.0.0.1:9/", "events": ["*"] });
    api.endpoint(declared).await;
    let key = json!({ "name": "shop", "role": "admin" });
    let key = api.send("POST", "/v1/keys", Some(key)).await.json();
    let key = format!("/v1/keys/{}", key["id"].as_str().unwrap());
    let endpoint = "/v1/tenants/acme/endpoints/orders";
    for path in ["/v1/tenants/acme", endpoint, &key] {
        for query in ["endpoint=orders", "&", "dry_run"] {
            let reply = api.send("DELETE", &format!("{path}?{query}"), None).await;
            assert_eq!(reply.status, 400, "{path}?{query}: {}", reply.text());
            assert_eq!(reply.json()["code"], "bad-query");
        }
        let body = json!({ "endpoint": "orders" });
        let reply = api.send("DELETE", path, Some(body)).await;
        assert_eq!(reply.status, 400, "{path}: {}", reply.text());
        assert_eq!(reply.json()["code"], "bad-body");
    }
    assert_eq!(api.send("GET", endpoint, None).await.status, 200);
    let dead = json!({ "state": "dead" });
    let replay = "/v1/tenants/acme/replay?dry_run=true";
    let replayed = api.send("POST", replay, Some(dead)).await;
    assert_eq!(replayed.status, 400, "{}", replayed.text());
    for path in [endpoint, "/v1/tenants/acme"] {
        assert_eq!(api.send("DELETE", path, None).await.status, 204, "{path}");
    }
    // An empty body in chunks, as some clients send it.
    let request = format!(
        "DELETE {key} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\
         Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n"
    );
    let address = api
        .sender
        .api
        .trim_start_matches("http://")
        .parse()
        .unwrap();
    let response = test_support::raw::exchange(address, request.as_bytes()).await;
    assert!(response.starts_with("HTTP/1.1 204"), "{response}");
}
