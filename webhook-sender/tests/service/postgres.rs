//! A store in PostgreSQL: its schema, and addresses that do not work.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use test_support::postgres::{Fsync, PostgresServer};

use crate::fixtures::{config, until};
use crate::publisher::Api;
use crate::receiver::Receiver;
use crate::sender::{SENDER, Setting, Store};

const PASSWORD: &str = "s3cret-password";

/// Starts a server with a role that needs a password.
async fn server() -> PostgresServer {
    let server = PostgresServer::start(Fsync::Off).await;
    server.sql(&format!("CREATE ROLE app LOGIN PASSWORD '{PASSWORD}'"));
    let rules =
        "local all all trust\nhost all postgres all trust\nhost all all all scram-sha-256\n";
    std::fs::write(server.data().join("pg_hba.conf"), rules).expect("its files can be written");
    server.sql("SELECT pg_reload_conf()");
    server
}

fn url_of(server: &PostgresServer, password: &str, rest: &str) -> String {
    format!("postgres://app:{password}@{}/{rest}", server.address())
}

fn configure(folder: &Path, url: &str) {
    let text = format!("[store]\nurl = \"{url}\"\n[api]\nlisten = \"127.0.0.1:0\"\n");
    std::fs::write(folder.join("sender.toml"), text).expect("a file");
}

/// Runs a command on `sender.toml` of a folder.
fn sender(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(SENDER);
    command.args(arguments).current_dir(folder);
    command.output().expect("it can be run")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_address_ends_the_start_with_a_message_of_its_own() {
    let server = server().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let good = url_of(&server, PASSWORD, "postgres");
    let cases = [
        (
            url_of(&server, "wrong", "postgres"),
            "rejected the password of user `app`",
        ),
        (
            "postgres://app:wrong@no-such-host.invalid/postgres".to_owned(),
            "is unknown",
        ),
        (url_of(&server, PASSWORD, "shop"), "has no database `shop`"),
        (good.clone(), "CREATE SCHEMA"),
        (format!("{good}?sslmode=require"), "does not offer TLS"),
        (
            "postgres://app:wrong@127.0.0.1:1/postgres".to_owned(),
            "cannot be reached",
        ),
    ];
    for (url, message) in cases {
        configure(folder.path(), &url);
        for arguments in [&["run"][..], &["migrate"], &["migrate", "--check"]] {
            if arguments.contains(&"--check") && message == "CREATE SCHEMA" {
                // A check needs no rights.
                continue;
            }
            let output = sender(folder.path(), arguments);
            let shown = stderr(&output);
            assert_eq!(output.status.code(), Some(1), "{arguments:?}: {shown}");
            assert!(shown.contains(message), "{arguments:?}: {shown}");
            assert!(!shown.contains(PASSWORD), "{shown}");
            assert!(!shown.contains("wrong"), "{shown}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn migrate_creates_the_tables_and_its_check_reports_whether_they_are_current() {
    let server = server().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    configure(folder.path(), &url_of(&server, PASSWORD, "postgres"));
    let check = || sender(folder.path(), &["migrate", "--check"]);
    let missing = check();
    assert_eq!(missing.status.code(), Some(1));
    assert!(stderr(&missing).contains("webhook-sender migrate"));
    assert!(
        stdout(&missing).contains("version 0"),
        "{}",
        stdout(&missing)
    );

    // The statement in the message repairs it.
    let denied = stderr(&sender(folder.path(), &["migrate"]));
    let statement = denied.split("have an administrator run: ").nth(1);
    server.sql(statement.unwrap_or_else(|| panic!("{denied}")).trim());
    let migrated = sender(folder.path(), &["migrate"]);
    assert!(migrated.status.success(), "{}", stderr(&migrated));
    assert!(stdout(&migrated).contains("migrated from version 0"));
    let again = sender(folder.path(), &["migrate", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&stdout(&again)).expect("JSON");
    assert_eq!(report["migrated"], false, "{report}");
    assert_eq!(report["found"], report["needed"]);
    assert!(check().status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_refuses_a_newer_schema_and_one_of_another_program() {
    let server = server().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = url_of(&server, PASSWORD, "postgres");
    server.sql("GRANT CREATE ON DATABASE postgres TO app");
    configure(folder.path(), &url);
    assert!(sender(folder.path(), &["migrate"]).status.success());
    server.sql("UPDATE webhook_sender.schema_version SET version = 1000");
    server.sql("CREATE SCHEMA shop; CREATE TABLE shop.orders (id int)");
    server.sql("GRANT ALL ON SCHEMA shop TO app");
    let foreign = format!("{url}?schema=shop");
    let cases = [
        (url.as_str(), "version 1000 of a newer release"),
        (&foreign, "tables of another program"),
    ];
    for (url, message) in cases {
        configure(folder.path(), url);
        for arguments in [&["run"][..], &["migrate"], &["migrate", "--check"]] {
            let output = sender(folder.path(), arguments);
            assert_eq!(output.status.code(), Some(1), "{arguments:?}");
            let shown = stderr(&output);
            assert!(shown.contains(message), "{arguments:?}: {shown}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_is_not_ready_while_postgresql_is_down() {
    let receiver = Receiver::start(Duration::ZERO).await;
    let mut setting = Setting::new(Store::Postgres).await;
    setting.configure("sender", &config(receiver.address, ""));
    let sender = setting.start("sender");
    let ready = format!("{}/readyz", sender.api);
    until(ready.clone(), 200).await;
    let server = setting.postgres.as_mut().expect("the store has one");
    server.kill();
    until(ready.clone(), 503).await;
    server.restart().await;
    until(ready, 200).await;
    Api::of(&sender).publish(0..10).await;
    receiver.counts.reach(10).await;
}
