//! Keys of all roles, and requests with them.

use serde_json::{Value, json};
use test_support::{Reply, Request};

use crate::api_world::Api;

/// Creates a key, and returns its id and its text.
pub async fn create_key(
    api: &Api,
    name: &str,
    role: &str,
    tenant: Option<&str>,
) -> (String, String) {
    let body = json!({ "name": name, "role": role, "tenant": tenant });
    let reply = api.send("POST", "/v1/keys", Some(body)).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let key = reply.json();
    let part = |name: &str| key[name].as_str().unwrap().to_owned();
    (part("id"), part("key"))
}

/// Sends a request with a key.
pub async fn send(api: &Api, key: &str, method: &str, path: &str, body: Option<Value>) -> Reply {
    let request = Request::new(method, format!("{}{path}", api.sender.api))
        .header("authorization", format!("Bearer {key}"));
    match body {
        Some(body) => request.json(body.to_string()).send().await,
        None => request.send().await,
    }
}

/// Returns the entries of the audit list, the newest first.
pub async fn audit(api: &Api, query: &str) -> Vec<Value> {
    let page = api.send("GET", &format!("/v1/audit{query}"), None).await;
    assert_eq!(page.status, 200, "{}", page.text());
    page.json()["items"].as_array().unwrap().clone()
}
