//! Outbound PostgreSQL, with a private server.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::postgres::{Fsync, PostgresServer};
use test_support::{Running, with_timeout};

use crate::probe::*;

/// Starts the probe, which is allowed to connect to `server`.
async fn probe_of(server: &PostgresServer) -> Running {
    let entry = format!("postgres://{}", server.address());
    start(&probe_with(&format!(
        "allowed_outbound_hosts = [{entry:?}]"
    )))
    .await
}

fn path(server: &PostgresServer, operation: &str, version: u8) -> String {
    let url = server.url();
    format!("/postgres/{operation}?address={url}&version={version}")
}

fn statement(text: &str, parameters: Value) -> String {
    json!({ "statement": text, "parameters": parameters }).to_string()
}

/// Returns the column's type and the value of `SELECT $1::kind` for one parameter.
async fn round_trip(
    app: &Running,
    server: &PostgresServer,
    version: u8,
    kind: &str,
    parameter: Value,
) -> (String, String) {
    let body = statement(&format!("SELECT $1::{kind} AS v"), json!([parameter]));
    let reply = post(app, &path(server, "query", version), &body).await;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let column = text(&reply["ok"]["columns"][0][1]);
    let value = text(&reply["ok"]["rows"][0][0]);
    (
        column.unwrap_or_else(|| panic!("{kind}: {reply}")),
        value.unwrap_or_else(|| panic!("{kind}: {reply}")),
    )
}

/// The types that every version has: the type in PostgreSQL, the parameter, and the value as it is shown.
fn common() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("bool", json!({ "boolean": true }), "Boolean(true)"),
        ("\"char\"::text", json!({ "int8": 65 }), "Str(\"A\")"),
        ("int2", json!({ "int16": -5 }), "Int16(-5)"),
        ("int4", json!({ "int32": 70000 }), "Int32(70000)"),
        (
            "int8",
            json!({ "int64": 5_000_000_000_i64 }),
            "Int64(5000000000)",
        ),
        ("float4", json!({ "floating32": 1.5 }), "Floating32(1.5)"),
        (
            "float8",
            json!({ "floating64": -2.25 }),
            "Floating64(-2.25)",
        ),
        ("text", json!({ "str": "ä" }), "Str(\"ä\")"),
        ("varchar", json!({ "str": "a" }), "Str(\"a\")"),
        ("bytea", json!({ "binary": [0, 255] }), "Binary([0, 255])"),
        ("text", json!({ "db-null": null }), "DbNull"),
        ("int4", json!({ "db-null": null }), "DbNull"),
    ]
}

fn of_version_3() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        (
            "date",
            json!({ "date": [2026, 2, 28] }),
            "Date((2026, 2, 28))",
        ),
        (
            "time",
            json!({ "time": [23, 59, 58, 123_456_000] }),
            "Time((23, 59, 58, 123456000))",
        ),
        (
            "timestamp",
            json!({ "datetime": [2026, 2, 28, 1, 2, 3, 0] }),
            "Datetime((2026, 2, 28, 1, 2, 3, 0))",
        ),
        (
            "timestamptz",
            json!({ "timestamp": 3661 }),
            "Datetime((1970, 1, 1, 1, 1, 1, 0))",
        ),
    ]
}

fn of_version_4() -> Vec<(&'static str, Value, &'static str)> {
    let uuid = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    vec![
        (
            "uuid",
            json!({ "uuid": uuid }),
            "Uuid(\"67e55044-10b1-426f-9247-bb680e5fe0c8\")",
        ),
        ("jsonb", json!({ "jsonb": [1] }), "Jsonb([91, 49, 93])"),
        (
            "numeric",
            json!({ "decimal": "-12.340" }),
            "Decimal(\"-12.340\")",
        ),
        (
            "int4range",
            json!({ "range-int32": [[1, "inclusive"], [5, "exclusive"]] }),
            "RangeInt32((Some((1, RangeBoundKind::Inclusive)), Some((5, RangeBoundKind::Exclusive))))",
        ),
        (
            "int8range",
            json!({ "range-int64": [null, [5, "exclusive"]] }),
            "RangeInt64((None, Some((5, RangeBoundKind::Exclusive))))",
        ),
        (
            "numrange",
            json!({ "range-decimal": [["1.5", "exclusive"], null] }),
            "RangeDecimal((Some((\"1.5\", RangeBoundKind::Exclusive)), None))",
        ),
        (
            "int4[]",
            json!({ "array-int32": [1, null] }),
            "ArrayInt32([Some(1), None])",
        ),
        (
            "int8[]",
            json!({ "array-int64": [2] }),
            "ArrayInt64([Some(2)])",
        ),
        (
            "numeric[]",
            json!({ "array-decimal": ["1.5", null] }),
            "ArrayDecimal([Some(\"1.5\"), None])",
        ),
        (
            "text[]",
            json!({ "array-str": ["a", null] }),
            "ArrayStr([Some(\"a\"), None])",
        ),
        (
            "interval",
            json!({ "interval": [1, 2, 3] }),
            "Interval(Interval { micros: 1, days: 2, months: 3 })",
        ),
    ]
}

#[tokio::test]
async fn every_type_of_every_version_makes_the_round_trip() {
    let server = PostgresServer::start(Fsync::Off).await;
    let app = probe_of(&server).await;
    for version in [2, 3, 4] {
        let mut cases = common();
        if version >= 3 {
            cases.extend(of_version_3());
        }
        if version >= 4 {
            cases.extend(of_version_4());
        }
        for (kind, parameter, expected) in cases {
            let (_, value) = round_trip(&app, &server, version, kind, parameter).await;
            assert!(value.ends_with(expected), "{version} {kind}: {value}");
        }
    }
}

#[tokio::test]
async fn columns_have_the_types_of_the_interface() {
    let server = PostgresServer::start(Fsync::Off).await;
    let app = probe_of(&server).await;
    let kinds = [
        ("bool", "Boolean", "Boolean"),
        ("text", "Str", "Str"),
        ("timestamptz", "Other", "Datetime"),
        ("jsonb", "Other", "Jsonb"),
        ("numeric", "Other", "Decimal"),
        ("inet", "Other", "Other(\"inet\")"),
    ];
    let null = || json!({ "db-null": null });
    for (kind, in_2, in_4) in kinds {
        let (column, _) = round_trip(&app, &server, 2, kind, null()).await;
        assert!(column.ends_with(in_2), "{kind}: {column}");
        let (column, _) = round_trip(&app, &server, 4, kind, null()).await;
        assert!(column.ends_with(in_4), "{kind}: {column}");
    }
    // A value of a type that the version does not have.
    let body = statement("SELECT '10.0.0.1'::inet, '1'::jsonb", json!([]));
    let reply = post(&app, &path(&server, "query", 3), &body).await;
    let row = reply["ok"]["rows"][0].to_string();
    assert_eq!(row.matches("Unsupported").count(), 2, "{row}");
    let reply = post(&app, &path(&server, "query", 4), &body).await;
    let row = reply["ok"]["rows"][0].to_string();
    assert!(
        row.contains("Unsupported([") && row.contains("Jsonb(["),
        "{row}"
    );
}

#[tokio::test]
async fn execute_returns_the_number_of_changed_rows() {
    let server = PostgresServer::start(Fsync::Off).await;
    server.sql("CREATE TABLE t (n int)");
    let app = probe_of(&server).await;
    for version in [2, 3, 4] {
        let execute = path(&server, "execute", version);
        let insert = statement("INSERT INTO t VALUES ($1), ($1)", json!([{ "int32": 1 }]));
        assert_eq!(post(&app, &execute, &insert).await, json!({ "ok": 2 }));
        let delete = statement("DELETE FROM t", json!([]));
        assert_eq!(post(&app, &execute, &delete).await, json!({ "ok": 2 }));
        let empty = statement("SELECT n FROM t", json!([]));
        let reply = post(&app, &path(&server, "query", version), &empty).await;
        assert_eq!(reply, json!({ "ok": { "columns": [], "rows": [] } }));
    }
}

#[tokio::test]
async fn an_error_of_the_server_has_its_code() {
    let server = PostgresServer::start(Fsync::Off).await;
    let app = probe_of(&server).await;
    let body = statement("SELECT * FROM missing", json!([]));
    for (version, part) in [(2, "E42P01"), (3, "E42P01"), (4, "code: \"42P01\"")] {
        let reply = post(&app, &path(&server, "query", version), &body).await;
        assert_eq!(error_of(&reply), "query-failed", "{reply}");
        let message = reply["message"].as_str().expect("a message");
        assert!(message.contains(part), "{version}: {message}");
    }
}

#[tokio::test]
async fn an_invalid_parameter_is_an_error_and_is_not_sent() {
    let server = PostgresServer::start(Fsync::Off).await;
    let app = probe_of(&server).await;
    let query = path(&server, "query", 4);
    for parameter in [
        json!({ "date": [2026, 2, 30] }),
        json!({ "time": [24, 0, 0, 0] }),
        json!({ "uuid": "none" }),
        json!({ "decimal": "none" }),
        json!({ "json-text": "{" }),
    ] {
        let body = statement("SELECT $1::text", json!([parameter]));
        let reply = post(&app, &query, &body).await;
        assert_eq!(error_of(&reply), "bad-parameter", "{reply}");
        let reply = post(&app, &path(&server, "execute", 4), &body).await;
        assert_eq!(error_of(&reply), "value-conversion-failed", "{reply}");
    }
    let unsigned = statement("SELECT $1::int4", json!([{ "uint32": 1 }]));
    let reply = post(&app, &path(&server, "query", 2), &unsigned).await;
    assert_eq!(error_of(&reply), "value-conversion-failed", "{reply}");
    // A parameter of another type than that of the statement.
    let other = statement("SELECT $1::int4", json!([{ "str": "1" }]));
    let reply = post(&app, &query, &other).await;
    assert_eq!(error_of(&reply), "query-failed", "{reply}");
}

#[tokio::test]
async fn only_a_server_in_the_manifest_can_be_reached() {
    let server = PostgresServer::start(Fsync::Off).await;
    let other = PostgresServer::start(Fsync::Off).await;
    let app = probe_of(&server).await;
    for version in [2, 3, 4] {
        let allowed = get_json(&app, &path(&server, "open", version)).await;
        assert_eq!(allowed, json!({ "ok": null }));
        let denied = get_json(&app, &path(&other, "open", version)).await;
        assert_eq!(error_of(&denied), "connection-failed");
        let message = denied["message"].as_str().expect("a message");
        assert!(message.contains("is not permitted"), "{message}");
    }
    // Several hosts, settings instead of a URL, and a socket.
    let [port, denied_port] = [server.address().port(), other.address().port()];
    for (address, expected) in [
        (format!("host=127.0.0.1 port={port} user=postgres"), None),
        (
            format!("postgres://postgres@127.0.0.1:{port},127.0.0.1:{denied_port}/postgres"),
            Some("is not permitted"),
        ),
        (
            "host=/var/run/postgresql user=postgres".to_owned(),
            Some("Unix"),
        ),
        ("not an address".to_owned(), Some("invalid")),
        ("user=postgres".to_owned(), Some("no host")),
    ] {
        let address: String = address
            .replace('%', "%25")
            .replace(' ', "%20")
            .replace('=', "%3D");
        let reply = get_json(&app, &format!("/postgres/open?address={address}")).await;
        match expected {
            None => assert_eq!(reply, json!({ "ok": null })),
            Some(part) => assert!(reply["message"].to_string().contains(part), "{reply}"),
        }
    }
}

#[tokio::test]
async fn a_blocked_network_is_not_reached() {
    let server = PostgresServer::start(Fsync::Off).await;
    let entry = format!("postgres://{}", server.address());
    let app = probe_with(&format!("allowed_outbound_hosts = [{entry:?}]"));
    let config = app.file(
        "runtime-config.toml",
        "[outbound_networking]\nblock_networks = [\"private\"]\n",
    );
    let app = app.args([
        std::ffi::OsString::from("--runtime-config-file"),
        config.into_os_string(),
    ]);
    let app = start(&app).await;
    let reply = get_json(&app, &path(&server, "open", 4)).await;
    assert_eq!(error_of(&reply), "connection-failed");
    assert!(reply.to_string().contains("blocked"), "{reply}");
}

#[tokio::test]
async fn a_server_that_does_not_serve_is_an_error_after_the_connect_timeout() {
    let server = PostgresServer::start(Fsync::Off).await;
    let app = probe_of(&server).await;
    server.stall();
    let path = format!(
        "{}?connect_timeout%3D1",
        path(&server, "open", 4).replace("&version=4", "")
    );
    let reply = get_json(&app, &path).await;
    assert_eq!(error_of(&reply), "connection-failed", "{reply}");
    assert!(
        reply.to_string().contains("no response within 1s"),
        "{reply}"
    );
    server.unstall();
}

#[tokio::test]
async fn a_session_ends_with_its_connection() {
    let server = PostgresServer::start(Fsync::Off).await;
    server.sql("CREATE TABLE t (n int)");
    let app = probe_of(&server).await;
    // The guest leaves a transaction open, with a row in it.
    let execute = path(&server, "execute", 4);
    let begin = statement("BEGIN", json!([]));
    assert_eq!(post(&app, &execute, &begin).await, json!({ "ok": 0 }));
    let insert = statement("INSERT INTO t VALUES (1)", json!([]));
    assert_eq!(post(&app, &execute, &insert).await, json!({ "ok": 1 }));
    let open = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'";
    let ended = async {
        while server.sql(open) != "0" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    with_timeout(ended, || "the end of the session".into()).await;
    // The next request has a session of its own, without that transaction.
    let count = statement("SELECT count(*) FROM t", json!([]));
    let reply = post(&app, &path(&server, "query", 4), &count).await;
    assert!(
        reply["ok"]["rows"][0][0].to_string().contains("Int64(1)"),
        "{reply}"
    );
}

#[tokio::test]
async fn a_result_over_the_limit_is_an_error() {
    let server = PostgresServer::start(Fsync::Off).await;
    let app = probe_of(&server).await;
    let body = statement(
        "SELECT repeat('x', 1000000) FROM generate_series(1, 300)",
        json!([]),
    );
    let reply = post(&app, &path(&server, "query", 4), &body).await;
    assert_eq!(error_of(&reply), "query-failed", "{reply}");
    assert!(reply.to_string().contains("exceeds limit"), "{reply}");
}
