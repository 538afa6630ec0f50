//! The audit list, which contains no secrets.

use serde_json::{Value, json};

use crate::access_world::{audit, create_key, send};
use crate::api_world::{Api, TOKEN};
use crate::sender::SECRET;

/// Returns the changes of an entry as `field: from → to`.
fn changes(entry: &Value) -> Vec<String> {
    let changes = entry["changes"].as_array().unwrap().iter();
    changes
        .map(|change| format!("{}: {} → {}", change["field"], change["from"], change["to"]))
        .collect()
}

#[tokio::test]
async fn every_change_has_an_entry_with_its_author() {
    let api = Api::start().await;
    let (id, key) = create_key(&api, "shop", "operator", Some("acme")).await;
    let endpoints = "/v1/tenants/acme/endpoints";
    let declared = json!({ "id": "orders", "url": "http://127.0.0.1:9/?token=s3cret-in-url",
        "events": ["*"], "secret": SECRET, "headers": { "x-api-key": "s3cret-header" } });
    let reply = send(&api, &key, "POST", endpoints, Some(declared)).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let orders = format!("{endpoints}/orders");
    let patch = json!({ "events": ["order.*"], "headers": { "x-api-key": "s3cret-other" } });
    assert_eq!(
        send(&api, &key, "PATCH", &orders, Some(patch)).await.status,
        200
    );
    let patch = json!({ "events": "wrong" });
    assert_eq!(
        send(&api, &key, "PATCH", &orders, Some(patch)).await.status,
        422
    );
    let rotate = format!("{orders}/rotate-secret");
    assert_eq!(
        send(&api, &key, "POST", &rotate, Some(json!({})))
            .await
            .status,
        200
    );
    let replay = json!({ "state": "dead", "type": "order.paid", "status": "5xx" });
    let path = "/v1/tenants/acme/replay";
    assert_eq!(
        send(&api, &key, "POST", path, Some(replay)).await.status,
        202
    );
    assert_eq!(send(&api, &key, "DELETE", &orders, None).await.status, 204);

    let entries = audit(&api, "?tenant=acme").await;
    let shown = |entry: &Value| {
        let part = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        let parts = ["action", "target", "outcome", "code"].map(part);
        parts.join(" ").trim_end().to_owned()
    };
    let expected = [
        "endpoint.delete orders done",
        "deliveries.replay  done",
        "endpoint.rotate-secret orders done",
        "endpoint.change orders failed invalid",
        "endpoint.change orders done",
        "endpoint.create orders done",
        "tenant.create  done",
    ];
    assert_eq!(entries.iter().map(shown).collect::<Vec<_>>(), expected);
    for entry in &entries[..6] {
        assert_eq!(entry["key"], id.as_str());
        assert_eq!(entry["key_name"], "shop");
        assert_eq!(entry["address"], "127.0.0.1");
    }
    assert_eq!(
        changes(&entries[4]),
        [
            r#""events": ["*"] → ["order.*"]"#,
            r#""header values": null → null"#
        ]
    );
    assert_eq!(
        changes(&entries[1]),
        [
            r#""state": null → "dead""#,
            r#""type": null → "order.paid""#,
            r#""status": null → "5xx""#,
            r#""count": null → 0"#,
        ]
    );
    // Filters and pages.
    let all = audit(&api, "").await;
    let key_entry = all
        .iter()
        .find(|entry| entry["action"] == "key.create")
        .unwrap();
    assert_eq!(key_entry["target"], id.as_str());
    let (from, to) = (&entries[3]["at"], &entries[0]["at"]);
    let query = format!(
        "?from={}&to={}",
        from.as_str().unwrap(),
        to.as_str().unwrap()
    );
    let within = audit(&api, &query).await;
    assert!(
        within
            .iter()
            .all(|entry| entry["action"] != "tenant.create")
    );
    assert_eq!(audit(&api, "?tenant=globex").await, Vec::<Value>::new());
    let page = api.send("GET", "/v1/audit?limit=2", None).await.json();
    let cursor = page["next_cursor"].as_str().unwrap();
    let next = audit(&api, &format!("?limit=2&cursor={cursor}")).await;
    assert_eq!(next, all[2..4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_lists_the_audit_with_the_filters_of_the_api() {
    let api = Api::start().await;
    create_key(&api, "shop", "operator", Some("acme")).await;
    assert_eq!(
        api.send("PUT", "/v1/tenants/globex", None).await.status,
        201
    );
    let all = audit(&api, "").await;
    let run = |more: &[&str]| {
        let start = ["audit", "--token", TOKEN];
        let output = api.sender.command(&[&start[..], more].concat());
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let entries = |more: &[&str]| {
        let text = run(&[&["--json"], more].concat());
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.collect::<Vec<Value>>()
    };
    assert_eq!(entries(&[]), all);
    assert_eq!(entries(&["--limit", "2"]), all[..2]);
    let of_globex = entries(&["--tenant", "globex"]);
    assert_eq!(of_globex.len(), 1);
    assert_eq!(of_globex[0]["action"], "tenant.create");
    let newest = all[0]["at"].as_str().unwrap();
    let (from, to) = (entries(&["--from", newest]), entries(&["--to", newest]));
    assert!(
        !from.is_empty() && from.len() + to.len() == all.len(),
        "{from:?} {to:?}"
    );
    let table = run(&[]);
    assert!(table.starts_with("AT "), "{table}");
    let created = table.lines().find(|line| line.contains("key.create"));
    let created = created.unwrap_or_else(|| panic!("{table}"));
    assert!(
        created.contains("api.token") && created.contains("done"),
        "{created}"
    );
}

#[tokio::test]
async fn no_secret_is_in_a_response_the_audit_list_or_the_log() {
    let api = Api::start().await;
    let (_, key) = create_key(&api, "shop", "operator", Some("acme")).await;
    let portal = send(&api, &key, "POST", "/v1/tenants/acme/portal-sessions", None).await;
    let portal = portal.json();
    let url = portal["url"].as_str().unwrap();
    let token = url.split_once("token=").unwrap().1;
    assert!(token.starts_with("wses_"), "{url}");
    let declared = json!({ "id": "orders", "url": "http://127.0.0.1:9/?token=s3cret-in-url",
        "events": ["*"], "secret": SECRET, "headers": { "x-api-key": "s3cret-header" } });
    api.endpoint(declared).await;
    let patch = json!({ "url": "http://127.0.0.1:9/?token=s3cret-too" });
    let path = "/v1/tenants/acme/endpoints/orders";
    assert_eq!(api.send("PATCH", path, Some(patch)).await.status, 200);
    let mut readable = api.sender.log();
    for path in [
        "/v1/keys",
        "/v1/audit",
        "/v1/tenants/acme/portal-sessions",
        "/v1/tenants/acme/endpoints",
    ] {
        readable += &api.send("GET", path, None).await.text();
    }
    for secret in [&*key, token, TOKEN, SECRET, "s3cret"] {
        assert!(!readable.contains(secret), "{secret}: {readable}");
    }
    assert!(readable.contains("endpoint.change"), "{readable}");
}

#[tokio::test]
async fn a_portal_session_is_listed_renewed_and_revoked() {
    let api = Api::start().await;
    let path = "/v1/tenants/acme/portal-sessions";
    let refused = api
        .send("POST", path, Some(json!({ "role": "admin" })))
        .await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    let wanted = json!({ "role": "operator", "expires_in": "10m" });
    let opened = api.send("POST", path, Some(wanted)).await;
    assert_eq!(opened.status, 201, "{}", opened.text());
    let opened = opened.json();
    let of = format!("{path}/{}", opened["id"].as_str().unwrap());
    let renewed = json!({ "expires_in": "1day" });
    let renewed = api
        .send("POST", &format!("{of}/renew"), Some(renewed))
        .await;
    assert_eq!(renewed.status, 200, "{}", renewed.text());
    let ends = renewed.json()["expires_at"].clone();
    assert!(ends.as_str() > opened["expires_at"].as_str(), "{ends}");
    let listed = api.send("GET", path, None).await.json();
    assert_eq!(listed["items"][0]["expires_at"], ends, "{listed}");
    assert_eq!(listed["items"][0]["role"], "operator");
    assert_eq!(api.send("DELETE", &of, None).await.status, 204);
    assert_eq!(api.send("DELETE", &of, None).await.status, 404);
    let listed = api.send("GET", path, None).await.json();
    assert_eq!(listed["items"], json!([]));
}
