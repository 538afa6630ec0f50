//! Outboxes that cannot be read: each error names what is wrong and what to do.

use event_sources::postgres_outbox::{OutboxError, Table, check};
use postgres_link::{Address, ConnectError, Connector};
use test_support::postgres::{Fsync, PostgresServer};

const PASSWORD: &str = "s3cret";

async fn error(url: &str, table: &Table) -> OutboxError {
    let connector = Connector::new(Address::parse(url).unwrap()).unwrap();
    let error = check(&connector, table).await.expect_err(url);
    assert!(!error.to_string().contains(PASSWORD), "{error}");
    error
}

fn table(name: &str) -> Table {
    Table::new(Table::SCHEMA, name).unwrap()
}

/// Checks that the message has all of these texts, and that waiting does not help.
fn says(error: &OutboxError, texts: &[&str]) {
    let shown = error.to_string();
    for text in texts {
        assert!(shown.contains(text), "`{text}` in `{shown}`");
    }
    assert!(!error.may_pass(), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_outbox_has_its_own_error() {
    let server = PostgresServer::start(Fsync::Off).await;
    server.sql(&format!("CREATE ROLE app LOGIN PASSWORD '{PASSWORD}'"));
    let rules =
        "local all all trust\nhost all postgres all trust\nhost all all all scram-sha-256\n";
    std::fs::write(server.data().join("pg_hba.conf"), rules).unwrap();
    server.sql("SELECT pg_reload_conf()");
    let good = table(Table::NAME);
    server.sql(&good.ddl());
    let address = server.address();
    let url = format!("postgres://app:{PASSWORD}@{address}/postgres");

    let wrong = format!("postgres://app:{PASSWORD}-wrong@{address}/postgres");
    says(
        &error(&wrong, &good).await,
        &["rejected the password of user `app`"],
    );
    let shop = url.replace("/postgres", "/shop");
    says(
        &error(&shop, &good).await,
        &["no database `shop`", "CREATE DATABASE"],
    );
    let host = format!("postgres://app:{PASSWORD}@no-such-host.invalid/postgres");
    says(
        &error(&host, &good).await,
        &["no-such-host.invalid", "is unknown"],
    );
    let tls = format!("{url}?sslmode=require");
    says(
        &error(&tls, &good).await,
        &["does not offer TLS", "sslmode=disable"],
    );

    let none = error(&url, &table("orders")).await;
    says(
        &none,
        &[
            "no table `\"public\".\"orders\"`",
            "webhook-sender outbox ddl --table 'orders'",
        ],
    );
    rights(&server, &url, &good).await;
    columns(&server, &url).await;

    let gone = format!("postgres://app:{PASSWORD}@127.0.0.1:1/postgres");
    let gone = error(&gone, &good).await;
    assert!(gone.may_pass(), "{gone}");
    assert!(
        matches!(gone, OutboxError::Connect(ConnectError::Unreachable { .. })),
        "{gone}"
    );
}

/// Checks that the statement in the message repairs the table.
async fn rights(server: &PostgresServer, url: &str, table: &Table) {
    for granted in ["", "SELECT, DELETE"] {
        if !granted.is_empty() {
            server.sql(&format!("GRANT {granted} ON {table} TO app"));
        }
        let denied = error(url, table).await;
        says(&denied, &["user `app` lacks rights", "webhook_outbox"]);
        if let OutboxError::Rights { statement, .. } = denied
            && !granted.is_empty()
        {
            server.sql(&statement);
        }
    }
    let connector = Connector::new(Address::parse(url).unwrap()).unwrap();
    check(&connector, table).await.unwrap();
}

async fn columns(server: &PostgresServer, url: &str) {
    server.sql("CREATE TABLE strange (id bigint PRIMARY KEY, tenant text, type text, data jsonb)");
    let strange = error(url, &table("strange")).await;
    says(
        &strange,
        &[
            "its column `data` is jsonb and not json",
            "it has no column `event_id` of type text",
            "it has no column `created_at` of type timestamptz",
            "outbox ddl --table 'strange'",
        ],
    );
    server.sql(
        "CREATE TABLE loose (id bigint, tenant text, type text, data json, event_id text,
            ordering_key text, created_at timestamptz)",
    );
    let loose = error(url, &table("loose")).await;
    says(&loose, &["its column `id` is not a primary key"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_is_named_as_such() {
    let primary = PostgresServer::start(Fsync::Off).await;
    let good = table(Table::NAME);
    primary.sql(&good.ddl());
    let standby = primary.start_standby().await;
    let error = error(&standby.url(), &good).await;
    assert!(error.to_string().contains("read-only standby"), "{error}");
    assert!(error.may_pass());
}
