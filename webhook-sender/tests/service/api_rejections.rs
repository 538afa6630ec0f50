//! Rejected requests: paths, and declarations of endpoints.

use serde_json::{Value, json};

use crate::api_world::Api;

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
