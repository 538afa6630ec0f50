//! Capabilities, granted and denied.

use serde_json::{Value, json};
use test_support::{Receiver, Request};

use crate::probe::*;

#[tokio::test]
async fn a_granted_store_keeps_values() {
    let app = start(&probe()).await;
    assert_eq!(get_json(&app, "/kv/get?key=a").await, json!({ "ok": null }));
    assert_eq!(
        get_json(&app, "/kv/exists?key=a").await,
        json!({ "ok": false })
    );
    assert_eq!(
        post(&app, "/kv/set?key=a", "one").await,
        json!({ "ok": null })
    );
    assert_eq!(
        post(&app, "/kv/set?key=a", "two").await,
        json!({ "ok": null })
    );
    assert_eq!(post(&app, "/kv/set?key=b", "").await, json!({ "ok": null }));
    assert_eq!(
        get_json(&app, "/kv/get?key=a").await,
        json!({ "ok": "two" })
    );
    assert_eq!(get_json(&app, "/kv/get?key=b").await, json!({ "ok": "" }));
    assert_eq!(
        get_json(&app, "/kv/exists?key=b").await,
        json!({ "ok": true })
    );
    assert_eq!(sorted_keys(&app).await, ["a", "b"]);
    assert_eq!(
        get_json(&app, "/kv/delete?key=a").await,
        json!({ "ok": null })
    );
    assert_eq!(
        get_json(&app, "/kv/delete?key=a").await,
        json!({ "ok": null })
    );
    assert_eq!(get_json(&app, "/kv/get?key=a").await, json!({ "ok": null }));
    assert_eq!(sorted_keys(&app).await, ["b"]);
}

async fn sorted_keys(app: &test_support::Running) -> Vec<String> {
    let reply = get_json(app, "/kv/keys").await;
    let mut keys: Vec<String> = serde_json::from_value(reply["ok"].clone()).expect("a list");
    keys.sort();
    keys
}

#[tokio::test]
async fn a_value_can_have_any_bytes() {
    let app = start(&probe()).await;
    let body: Vec<u8> = (0..=255).collect();
    Request::post(app.url("/kv/set?key=bytes"))
        .body(body.clone())
        .send()
        .await;
    assert_eq!(
        get_json(&app, "/kv/get?key=bytes").await,
        json!({ "ok": body })
    );
}

#[tokio::test]
async fn opening_a_store_that_is_not_granted_returns_access_denied() {
    let app = start(&probe()).await;
    let denied = json!({ "error": "access-denied" });
    assert_eq!(get_json(&app, "/kv/open?store=other").await, denied);
    assert_eq!(get_json(&app, "/bare/kv/open").await, denied);
}

#[tokio::test]
async fn a_guest_can_open_256_stores() {
    let app = start(&probe()).await;
    assert_eq!(
        get_json(&app, "/kv/open-many?count=256").await,
        json!({ "ok": { "opened": 256 } })
    );
    let full = json!({ "ok": { "opened": 256, "then": { "error": "store-table-full" } } });
    assert_eq!(get_json(&app, "/kv/open-many?count=300").await, full);
    assert_eq!(get_json(&app, "/kv/open").await, json!({ "ok": null }));
}

#[tokio::test]
async fn a_granted_database_supports_every_type() {
    let app = start(&probe()).await;
    let made = execute(&app, "CREATE TABLE t (i, r, t, b, n)").await;
    assert_eq!(made, json!({ "ok": { "columns": [], "rows": [] } }));
    let row = json!([
        { "integer": i64::MIN },
        { "real": -2.5 },
        { "text": "ä\u{0}b" },
        { "blob": [0, 255] },
        { "null": null },
    ]);
    let insert = json!({ "statement": "INSERT INTO t VALUES (?, ?, ?, ?, ?)", "parameters": row });
    post(&app, "/sqlite/execute", &insert.to_string()).await;
    let found = execute(&app, "SELECT i, r, t, b, n AS \"n n\" FROM t").await;
    let columns = ["i", "r", "t", "b", "n n"];
    assert_eq!(
        found,
        json!({ "ok": { "columns": columns, "rows": [row] } })
    );
}

#[tokio::test]
async fn a_failed_statement_is_an_io_error_with_the_reason() {
    let app = start(&probe()).await;
    let reply = execute(&app, "SELECT * FROM missing").await;
    assert_eq!(error_of(&reply), "io");
    let message = reply["message"].as_str().unwrap_or_default();
    assert!(message.contains("no such table: missing"), "{message}");
}

#[tokio::test]
async fn opening_a_database_that_is_not_granted_returns_access_denied() {
    let app = start(&probe()).await;
    let denied = json!({ "error": "access-denied" });
    assert_eq!(get_json(&app, "/sqlite/open?db=other").await, denied);
    assert_eq!(get_json(&app, "/bare/sqlite/open").await, denied);
}

#[tokio::test]
async fn a_guest_cannot_attach_another_file_of_the_host() {
    let app = probe();
    let outside = app.file("outside.db", "");
    let app = start(&app).await;
    let attach = format!("ATTACH DATABASE '{}' AS outside", outside.display());
    assert_eq!(error_of(&execute(&app, &attach).await), "io");
}

#[tokio::test]
async fn variables_have_their_values_and_others_are_undefined() {
    let app = start(&probe().args(["--variable", "who=you"])).await;
    for (name, value) in [
        ("who", "you"),
        ("token", "hush"),
        ("greeting", "hello you"),
        ("literal", "as it stands"),
    ] {
        let reply = get_json(&app, &format!("/variable?name={name}")).await;
        assert_eq!(reply, json!({ "ok": value }), "{name}");
    }
    assert_eq!(
        error_of(&get_json(&app, "/variable?name=missing").await),
        "undefined"
    );
    assert_eq!(
        error_of(&get_json(&app, "/bare/variable?name=who").await),
        "undefined"
    );
    for name in ["Who", "a__b", "_a", "a_", "1a", "a-b", ""] {
        let reply = get_json(&app, &format!("/variable?name={name}")).await;
        assert_eq!(error_of(&reply), "invalid-name", "{name}");
    }
}

#[tokio::test]
async fn a_guest_has_only_the_environment_of_its_manifest() {
    let app = probe().environment("OUTSIDE", "is not inside");
    let app = start(&app.args(["--env", "GIVEN=with=sign"])).await;
    let expected = json!({ "GIVEN": "with=sign", "PROBE": "granted" });
    assert_eq!(get_json(&app, "/env").await, expected);
    assert_eq!(
        get_json(&app, "/bare/env").await,
        json!({ "GIVEN": "with=sign" })
    );
}

#[tokio::test]
async fn an_allowed_host_is_reachable_and_others_are_denied() {
    let receiver = Receiver::start().await;
    let app = start(&probe()).await;
    let url = receiver.url("/there");
    let reply = get_json(&app, &outbound(&url, "method=POST")).await;
    assert_eq!(reply["ok"]["status"], 200, "{reply}");

    let port = receiver.address().port();
    for (path, url) in [
        ("", format!("http://localhost:{port}/")),
        ("", format!("https://127.0.0.1:{port}/")),
        ("/bare", url),
    ] {
        let reply = get_json(&app, &format!("{path}{}", outbound(&url, ""))).await;
        assert_eq!(error_of(&reply), "http-request-denied", "{path} {url}");
    }
    assert_eq!(receiver.requests().len(), 1);
}

#[tokio::test]
async fn sockets_can_connect_to_allowed_hosts_only() {
    let receiver = Receiver::start().await;
    let socket = format!("/socket?address={}", receiver.address());
    for hosts in ["", "\"http://127.0.0.1:*\"", "\"tcp://127.0.0.2:*\""] {
        let app = start(&probe_with(&format!("allowed_outbound_hosts = [{hosts}]"))).await;
        let reply = get_json(&app, &socket).await;
        assert_eq!(error_of(&reply), "permission-denied", "{hosts}");
    }
    let app = start(&probe_with(
        "allowed_outbound_hosts = [\"*://127.0.0.1:*\"]",
    ))
    .await;
    assert_eq!(get_json(&app, &socket).await, json!({ "ok": null }));
}

#[tokio::test]
async fn no_file_of_the_host_is_visible() {
    let app = start(&probe()).await;
    for path in ["/etc/passwd", "spin.toml", ".", "/"] {
        let reply = get_json(&app, &format!("/fs?path={path}")).await;
        assert_eq!(reply["preopens"], 0, "{path}");
        assert_ne!(reply["read"]["error"], Value::Null, "{path}: {reply}");
    }
}

#[tokio::test]
async fn random_bytes_differ_and_the_clocks_advance() {
    let app = start(&probe()).await;
    let random = |bytes: usize| format!("/random?bytes={bytes}");
    let (one, two) = (
        get_json(&app, &random(32)).await,
        get_json(&app, &random(32)).await,
    );
    assert_eq!(one["ok"].as_array().map(Vec::len), Some(32));
    assert_ne!(one, two);

    let before = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .expect("after 1970");
    let (first, second) = (get_json(&app, "/now").await, get_json(&app, "/now").await);
    assert!(
        first["seconds"].as_u64() >= Some(before.as_secs()),
        "{first}"
    );
    let second_wall = (second["seconds"].as_u64(), second["nanoseconds"].as_u64());
    assert!((first["seconds"].as_u64(), first["nanoseconds"].as_u64()) <= second_wall);
}
