//! Oversized results, which are errors for the guest and must not use memory of the host.

use rusqlite::Connection;
use serde_json::{Value, json};
use test_support::postgres::{self, PostgresServer};
use test_support::redis::{Fsync, RedisServer};
use test_support::{App, Running};

use crate::probe::*;

const MIB: u64 = 1 << 20;

fn assert_too_large(reply: &Value) {
    let message = reply["message"].as_str().unwrap_or_default();
    assert!(
        message.starts_with("query result exceeds limit of "),
        "{reply}"
    );
}

/// Starts the app and resets its peak memory.
async fn start_counted(app: &App) -> Running {
    let running = start(app).await;
    get(&running, "/hello").await;
    if cfg!(target_os = "linux") {
        running.reset_peak_memory();
    }
    running
}

fn assert_peak(app: &Running, mebibytes: u64) {
    if cfg!(target_os = "linux") {
        let peak = app.peak_memory() / MIB;
        assert!(peak < mebibytes, "{peak} MiB");
    }
}

#[tokio::test]
async fn rows_over_the_limit_of_spin_are_an_error() {
    let app = start_counted(&probe().args(["--max-memory", "2000"])).await;
    let statement = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n \
                     WHERE i < 3000) SELECT zeroblob(1000000) FROM n";
    let reply = execute(&app, statement).await;
    assert_eq!(error_of(&reply), "io");
    assert_eq!(
        reply["message"],
        "query result exceeds limit of 134217728 bytes"
    );
    assert_peak(&app, 600);
    assert_eq!(get(&app, "/hello").await.text(), "hello");
}

#[tokio::test]
async fn a_value_over_the_limit_is_never_built() {
    let app = start_counted(&probe()).await;
    let reply = execute(&app, "SELECT length(zeroblob(900000000))").await;
    assert_eq!(error_of(&reply), "io", "{reply}");
    assert_peak(&app, 300);
}

#[tokio::test]
async fn a_result_is_limited_by_the_memory_of_its_guest() {
    let app = start(&probe().args(["--max-memory", "64"])).await;
    let rows = |count: u32| {
        format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) \
             SELECT length(b) FROM (SELECT zeroblob(1000) AS b FROM n) WHERE length(b) < 0"
        )
    };
    assert!(execute(&app, &rows(50_000)).await["ok"].is_object());
    let wide = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) \
                SELECT zeroblob(1000000) FROM n";
    assert_too_large(&execute(&app, wide).await);
}

/// Fills the file of the probe's key-value store before the start.
fn fill(app: &App, statement: &str) {
    std::fs::create_dir_all(app.state_dir()).expect("the state folder can be made");
    let file = Connection::open(app.state_dir().join("sqlite_key_value.db")).expect("a database");
    let table = "CREATE TABLE spin_key_value (store TEXT NOT NULL, key TEXT NOT NULL, \
                 value BLOB NOT NULL, PRIMARY KEY (store, key));";
    file.execute_batch(&format!("{table} {statement}"))
        .expect("Spin's table");
}

#[tokio::test]
async fn values_and_keys_over_the_limit_are_an_error() {
    let app = probe().args(["--max-memory", "64"]);
    fill(
        &app,
        "INSERT INTO spin_key_value VALUES ('default', 'large', zeroblob(40000000));
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)
         INSERT INTO spin_key_value SELECT 'default', printf('%.*c', 1000000 + i, 'x'), x'' FROM n;",
    );
    let app = start(&app).await;
    assert_too_large(&get_json(&app, "/kv/get?key=large").await);
    assert_too_large(&get_json(&app, "/kv/keys").await);
    post(&app, "/kv/set?key=small", "kept").await;
    let small = get_json(&app, "/kv/get?key=small").await;
    assert_eq!(small["ok"], "kept");
}

#[tokio::test]
async fn a_redis_reply_over_the_limit_is_an_error() {
    let server = RedisServer::start(Fsync::EverySecond).await;
    let grants = "allowed_outbound_hosts = [\"redis://127.0.0.1:*\"]";
    let app = start_counted(&probe_with(grants).args(["--max-memory", "64"])).await;
    let path = |operation: &str| {
        let port = server.port();
        format!("/redis/{operation}?address=redis://127.0.0.1:{port}&key=k")
    };
    let set = post(&app, &path("execute"), "SETRANGE k 250000000 x").await;
    assert_eq!(set["ok"][0], 250_000_001);
    assert_too_large(&get_json(&app, &path("get")).await);
    assert_too_large(&post(&app, &path("execute"), "MGET k k").await);
    assert_peak(&app, 300);
    let sum = post(&app, &path("execute"), "INCRBY n 7").await;
    assert_eq!(sum["ok"][0], 7);
}

#[tokio::test]
async fn a_postgresql_row_over_the_limit_is_never_built() {
    let server = PostgresServer::start(postgres::Fsync::Off).await;
    let grant = format!(
        "allowed_outbound_hosts = [\"postgres://{}\"]",
        server.address()
    );
    let app = start_counted(&probe_with(&grant).args(["--max-memory", "64"])).await;
    let path = |operation: &str| format!("/postgres/{operation}?address={}", server.url());
    let statement = |text: &str| json!({ "statement": text, "parameters": [] }).to_string();
    let large = statement("SELECT repeat('x', 400000000)");
    for operation in ["query", "execute"] {
        let reply = post(&app, &path(operation), &large).await;
        assert_eq!(error_of(&reply), "query-failed", "{reply}");
        let message = reply["message"].as_str().unwrap_or_default();
        assert!(
            message.contains("query result exceeds limit of "),
            "{reply}"
        );
    }
    assert_peak(&app, 300);
    let small = post(&app, &path("query"), &statement("SELECT 7")).await;
    assert!(
        small["ok"]["rows"][0][0].to_string().contains("Int32(7)"),
        "{small}"
    );
}
