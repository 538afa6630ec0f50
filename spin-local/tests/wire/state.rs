//! Persistent state, in the files and the format of Spin.

use rusqlite::Connection;
use serde_json::json;
use test_support::App;

use crate::probe::*;

/// Spin's file of the default key-value store, in the state folder.
const KEY_VALUE: &str = "sqlite_key_value.db";
/// Spin's file of the default SQLite database.
const SQLITE: &str = "sqlite_db.db";

fn open(app: &App, file: &str) -> Connection {
    std::fs::create_dir_all(app.state_dir()).expect("the state folder can be made");
    Connection::open(app.state_dir().join(file)).expect("a database")
}

#[tokio::test]
async fn a_restart_keeps_stored_data() {
    let app = probe();
    let first = start(&app).await;
    post(&first, "/kv/set?key=kept", "for later").await;
    execute(&first, "CREATE TABLE kept (what TEXT)").await;
    execute(&first, "INSERT INTO kept VALUES ('for later')").await;
    assert!(first.stop().await.status.success());

    let second = start(&app).await;
    assert_eq!(
        get_json(&second, "/kv/get?key=kept").await,
        json!({ "ok": "for later" })
    );
    let rows = &execute(&second, "SELECT what FROM kept").await["ok"]["rows"];
    assert_eq!(rows, &json!([[{ "text": "for later" }]]));
}

#[tokio::test]
async fn a_killed_process_keeps_acknowledged_data() {
    let app = probe();
    let first = start(&app).await;
    post(&first, "/kv/set?key=kept", "for later").await;
    execute(&first, "CREATE TABLE kept AS SELECT 7 AS n").await;
    drop(first);

    let second = start(&app).await;
    assert_eq!(
        get_json(&second, "/kv/get?key=kept").await,
        json!({ "ok": "for later" })
    );
    let rows = &execute(&second, "SELECT n FROM kept").await["ok"]["rows"];
    assert_eq!(rows, &json!([[{ "integer": 7 }]]));
}

#[tokio::test]
async fn key_value_data_is_in_the_file_and_table_of_spin() {
    let app = probe();
    let running = start(&app).await;
    post(&running, "/kv/set?key=name", "value").await;
    running.stop().await;

    let file = open(&app, KEY_VALUE);
    let mut columns = file
        .prepare("SELECT name, type, \"notnull\", pk FROM pragma_table_info('spin_key_value')")
        .expect("a statement");
    let columns: Vec<(String, String, bool, u8)> = columns
        .query_map([], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .and_then(Iterator::collect)
        .expect("columns");
    let column = |name: &str, kind: &str, key| (name.to_owned(), kind.to_owned(), true, key);
    let expected = [
        column("store", "TEXT", 1),
        column("key", "TEXT", 2),
        column("value", "BLOB", 0),
    ];
    assert_eq!(columns, expected);
    let row = file.query_row("SELECT store, key, value FROM spin_key_value", [], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    });
    let expected = ("default".to_owned(), "name".to_owned(), b"value".to_vec());
    assert_eq!(row, Ok(expected));
}

#[tokio::test]
async fn key_value_data_of_spin_is_readable() {
    let app = probe();
    open(&app, KEY_VALUE)
        .execute_batch(
            "CREATE TABLE spin_key_value (store TEXT NOT NULL, key TEXT NOT NULL, \
             value BLOB NOT NULL, PRIMARY KEY (store, key)); \
             INSERT INTO spin_key_value VALUES ('default', 'left', CAST('by spin' AS BLOB)); \
             INSERT INTO spin_key_value VALUES ('other', 'not', CAST('ours' AS BLOB));",
        )
        .expect("Spin's table");
    let running = start(&app).await;
    assert_eq!(
        get_json(&running, "/kv/get?key=left").await,
        json!({ "ok": "by spin" })
    );
    assert_eq!(
        get_json(&running, "/kv/keys").await,
        json!({ "ok": ["left"] })
    );
}

#[tokio::test]
async fn sqlite_data_is_in_the_file_of_spin() {
    let app = probe();
    open(&app, SQLITE)
        .execute_batch("CREATE TABLE left_there AS SELECT 'by spin' AS what")
        .expect("a table");
    let running = start(&app).await;
    let rows = &execute(&running, "SELECT what FROM left_there").await["ok"]["rows"];
    assert_eq!(rows, &json!([[{ "text": "by spin" }]]));
    execute(&running, "INSERT INTO left_there VALUES ('by us')").await;
    running.stop().await;

    let count = "SELECT count(*) FROM left_there";
    let count = open(&app, SQLITE).query_row(count, [], |row| row.get::<_, u32>(0));
    assert_eq!(count, Ok(2));
}

#[tokio::test]
async fn an_open_transaction_is_rolled_back_with_its_instance() {
    let app = start(&probe()).await;
    execute(&app, "CREATE TABLE t (n)").await;
    execute(&app, "BEGIN IMMEDIATE").await;
    // The connection was closed with the request, so that no lock and no transaction is left.
    assert!(execute(&app, "INSERT INTO t VALUES (1)").await["ok"].is_object());
    assert_eq!(error_of(&execute(&app, "COMMIT").await), "io");
}

#[tokio::test]
async fn labels_of_the_runtime_configuration_have_separate_files() {
    let app = probe_with(
        "key_value_stores = [\"default\", \"cache\"]\nsqlite_databases = [\"default\", \"log\"]",
    );
    let config = "[key_value_store.cache]\ntype = \"spin\"\npath = \"cache.db\"\n\
                  [sqlite_database.log]\ntype = \"spin\"\npath = \"LOG\"\n";
    let log = app.state_dir().join("own/log.db");
    let config = config.replace("LOG", &log.display().to_string());
    let config = app.file("runtime.toml", &config);
    let app = app.args([
        "--runtime-config-file".into(),
        config.clone().into_os_string(),
    ]);
    let running = start(&app).await;
    post(&running, "/kv/set?store=cache&key=a", "cached").await;
    assert_eq!(
        get_json(&running, "/kv/get?key=a").await,
        json!({ "ok": null })
    );
    assert_eq!(
        get_json(&running, "/kv/get?store=cache&key=a").await,
        json!({ "ok": "cached" })
    );
    let statement = json!({ "statement": "CREATE TABLE only_here (n)" }).to_string();
    post(&running, "/sqlite/execute?db=log", &statement).await;
    assert_eq!(
        error_of(&execute(&running, "SELECT * FROM only_here").await),
        "io"
    );
    running.stop().await;

    assert!(config.with_file_name("cache.db").is_file());
    assert!(log.is_file());
}
