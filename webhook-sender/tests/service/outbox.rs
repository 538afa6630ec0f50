//! Outboxes: an application's own transactions decide what is delivered.

use std::process::{Command, Output};
use std::time::Duration;

use rand::RngExt;
use serde_json::json;
use test_support::postgres::{Fsync, PostgresServer};
use test_support::{Receiver, with_timeout};
use tokio_postgres::{Client, NoTls};

use crate::fixtures::{config, until_seen};
use crate::sender::{SENDER, Sender, Setting, Store};

const TABLE: &str = "webhook_outbox";

/// The log line about an outbox in the database of the store.
const TOGETHER: &str = "the outbox is in the database of the store";

/// The database in which the outbox is.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// The database of the store: acceptance and removal are one transaction.
    WithTheStore,
    /// Another database of the store's server: two steps.
    Elsewhere,
}

/// A sender's store with an outbox.
struct World {
    setting: Setting,
    receiver: Receiver,
    url: String,
}

/// Runs the command line.
fn command(arguments: &[&str]) -> Output {
    let output = Command::new(SENDER).args(arguments).output();
    output.expect("it can be run")
}

fn ddl() -> String {
    let output = command(&["outbox", "ddl"]);
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("text")
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a server");
    tokio::spawn(connection);
    client
}

impl World {
    async fn new(place: Place) -> Self {
        let setting = Setting::new(Store::Postgres).await;
        let receiver = Receiver::start().await;
        let server = setting.postgres.as_ref().expect("the store has one");
        let mut url = server.url();
        if matches!(place, Place::Elsewhere) {
            server.sql("CREATE DATABASE shop");
            url = format!("postgres://postgres@{}/shop", server.address());
        }
        let world = Self {
            setting,
            receiver,
            url,
        };
        world.sql(&ddl()).await;
        let source = format!("[[source]]\nname = \"shop\"\nurl = \"{}\"\n", world.url);
        let address = world.receiver.address();
        world.setting.configure("sender", &config(address, &source));
        world
    }

    async fn start(&self, place: Place) -> Sender {
        let sender = self.setting.start("sender");
        if matches!(place, Place::WithTheStore) {
            sender.logged(TOGETHER).await;
        }
        sender
    }

    async fn sql(&self, sql: &str) {
        connect(&self.url)
            .await
            .batch_execute(sql)
            .await
            .expect(sql);
    }

    async fn rows(&self) -> i64 {
        let sql = format!("SELECT count(*) FROM {TABLE}");
        let client = connect(&self.url).await;
        client.query_one(&sql, &[]).await.expect("a count").get(0)
    }

    async fn has_rows(&self, count: i64) {
        let reached = async {
            while self.rows().await != count {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        with_timeout(reached, || format!("{count} rows")).await;
    }
}

const INSERT: &str = "INSERT INTO webhook_outbox (tenant, type, data) VALUES ('acme', 'order.shipped', $1::text::json)";

/// Runs transactions that insert one to three rows each, wait, and commit or roll back. Returns the data
/// of the rows that were committed.
async fn write(url: String, writer: usize) -> Vec<String> {
    const TRANSACTIONS: usize = 8;
    let client = connect(&url).await;
    let mut committed = Vec::new();
    for number in 0..TRANSACTIONS {
        client.batch_execute("BEGIN").await.expect("a transaction");
        let (rows, pause, commits) = {
            let mut random = rand::rng();
            (
                random.random_range(1..=3),
                random.random_range(0..40),
                random.random_bool(0.7),
            )
        };
        let data: Vec<String> = (0..rows)
            .map(|row| format!("{{\"writer\": {writer}, \"number\": {number}, \"row\": {row}}}"))
            .collect();
        for one in &data {
            client.execute(INSERT, &[one]).await.expect("a row");
        }
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let end = if commits { "COMMIT" } else { "ROLLBACK" };
        client.batch_execute(end).await.expect("its end");
        if commits {
            committed.extend(data);
        }
    }
    committed
}

/// Starts thirty writers, whose transactions overlap.
async fn exactly_what_is_committed_is_delivered_once(place: Place) {
    const WRITERS: usize = 30;
    let world = World::new(place).await;
    let sender = world.start(place).await;
    let writers = (0..WRITERS).map(|writer| tokio::spawn(write(world.url.clone(), writer)));
    let mut expected = Vec::new();
    for committed in futures::future::join_all(writers).await {
        expected.extend(committed.expect("the writer ends"));
    }
    world.receiver.received(expected.len()).await;
    world.has_rows(0).await;
    until_seen(&sender, "deliveries?state=pending", |page| {
        page["items"] == json!([])
    })
    .await;
    until_seen(&sender, "deliveries?state=in_flight", |page| {
        page["items"] == json!([])
    })
    .await;
    let requests = world.receiver.requests();
    let mut bodies: Vec<_> = requests
        .iter()
        .map(|one| String::from_utf8_lossy(&one.body).into_owned())
        .collect();
    bodies.sort_unstable();
    expected.sort_unstable();
    assert_eq!(bodies, expected);
    let together = sender.log().contains(TOGETHER);
    assert_eq!(together, matches!(place, Place::WithTheStore));
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_what_is_committed_is_delivered_once_in_the_database_of_the_store() {
    exactly_what_is_committed_is_delivered_once(Place::WithTheStore).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_what_is_committed_is_delivered_once_in_another_database() {
    exactly_what_is_committed_is_delivered_once(Place::Elsewhere).await;
}

/// Locks the row by a transaction of the application, so that it cannot be removed.
async fn a_sender_that_is_killed_before_the_removal_delivers_once(place: Place) {
    let world = World::new(place).await;
    world
        .sql(&format!(
            "INSERT INTO {TABLE} (tenant, type, data) VALUES ('acme', 'a.b', '1')"
        ))
        .await;
    let stranger = connect(&world.url).await;
    let lock = format!("BEGIN; SELECT FROM {TABLE} FOR UPDATE");
    stranger.batch_execute(&lock).await.expect("the row");
    let sender = world.start(place).await;
    world.receiver.received(1).await;
    until_seen(&sender, "deliveries?state=succeeded", |page| {
        page["items"][0].is_object()
    })
    .await;
    sender.kill();
    stranger
        .batch_execute("COMMIT")
        .await
        .expect("the lock ends");
    assert_eq!(world.rows().await, 1);
    let sender = world.start(place).await;
    world.has_rows(0).await;
    world
        .sql(&format!(
            "INSERT INTO {TABLE} (tenant, type, data) VALUES ('acme', 'a.b', '2')"
        ))
        .await;
    let requests = world.receiver.received(2).await;
    let bodies: Vec<_> = requests.iter().map(|one| &one.body[..]).collect();
    assert_eq!(bodies, [&b"1"[..], b"2"]);
    drop(sender);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_is_killed_before_the_removal_delivers_once_from_the_database_of_the_store() {
    a_sender_that_is_killed_before_the_removal_delivers_once(Place::WithTheStore).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_is_killed_before_the_removal_delivers_once_from_another_database() {
    a_sender_that_is_killed_before_the_removal_delivers_once(Place::Elsewhere).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_is_delivered_byte_for_byte_and_a_poison_row_becomes_a_dead_letter() {
    let place = Place::WithTheStore;
    let world = World::new(place).await;
    let sender = world.start(place).await;
    let body = r#"{"b" : "\u0000\ud83e",  "a":1.0e+2, "a":2}"#;
    let poison =
        format!("INSERT INTO {TABLE} (tenant, type, data) VALUES ('nobody', 'a.b', '{body}')");
    world.sql(&poison).await;
    world.sql(&poison.replace("nobody", "acme")).await;
    let requests = world.receiver.received(1).await;
    assert_eq!(String::from_utf8_lossy(&requests[0].body), body);
    world.has_rows(0).await;
    let url = format!("{}/v1/dead-letters", sender.api);
    let rejected = async {
        loop {
            let page = test_support::Request::get(&url).send().await.json();
            if page["items"][0].is_object() {
                return page["items"][0].clone();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let rejected = with_timeout(rejected, || "a dead letter".into()).await;
    assert_eq!(
        (&rejected["code"], &rejected["source"]),
        (&json!("unknown-tenant"), &json!("shop"))
    );
}

/// Checks that a start with an outbox that must be changed fails with its own message.
#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_outbox_ends_the_start_with_a_message_of_its_own() {
    let server = PostgresServer::start(Fsync::Off).await;
    server.sql("CREATE TABLE strange (id bigint PRIMARY KEY, tenant text)");
    server.sql("CREATE ROLE weak LOGIN");
    server.sql(&ddl());
    let address = server.address();
    let url = server.url();
    let cases = [
        (
            url.clone(),
            "table = \"missing\"",
            "`webhook-sender outbox ddl --table 'missing'`",
        ),
        (
            url.clone(),
            "schema = \"Shop\"",
            "no table `\"Shop\".\"webhook_outbox\"`",
        ),
        (
            url.clone(),
            "table = \"strange\"",
            "it has no column `data` of type json",
        ),
        (
            format!("postgres://weak@{address}/postgres"),
            "",
            "GRANT SELECT, UPDATE, DELETE",
        ),
        (format!("{url}?sslmode=require"), "", "does not offer TLS"),
        (
            format!("postgres://postgres@{address}/none"),
            "",
            "has no database `none`",
        ),
        (
            "postgres://me:s3cret@no-such-host.invalid/shop".into(),
            "",
            "is unknown",
        ),
    ];
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("sender.toml");
    for (url, key, message) in cases {
        let text = format!(
            "[store]\nurl = \"sqlite://sender.db\"\n[[source]]\nname = \"shop\"\nurl = \"{url}\"\n{key}\n\
             [api]\nlisten = \"127.0.0.1:0\"\n"
        );
        std::fs::write(&file, text).expect("a file");
        let path = file.to_str().expect("its path is text");
        assert!(command(&["check", "--config", path]).status.success());
        let output = command(&["run", "--config", path]);
        let shown = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{shown}");
        assert!(
            shown.contains(message) && shown.contains("source `shop`"),
            "{message}: {shown}"
        );
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_may_not_remove_rows_ends_the_start_with_the_statement_that_helps() {
    let world = World::new(Place::WithTheStore).await;
    let server = world.setting.postgres.as_ref().expect("the store has one");
    server.sql("CREATE ROLE sender LOGIN; GRANT CREATE ON DATABASE postgres TO sender");
    let file = world.setting.folder().join("sender.toml");
    let text = std::fs::read_to_string(&file).expect("the file");
    // The store's user only.
    std::fs::write(
        &file,
        text.replacen("postgres://postgres@", "postgres://sender@", 1),
    )
    .expect("a file");
    let path = file.to_str().expect("its path is text");
    let output = command(&["run", "--config", path]);
    let shown = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{shown}");
    let statement = shown.split("have an administrator run: ").nth(1);
    server.sql(statement.unwrap_or_else(|| panic!("{shown}")).trim());
    drop(world.start(Place::WithTheStore).await);
}
