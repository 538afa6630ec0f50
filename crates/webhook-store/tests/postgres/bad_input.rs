//! Addresses that do not work: each error says what to do.

use test_support::postgres::{Fsync, PostgresServer};
use webhook_store::Queries;
use webhook_store::postgres::{ConnectError, OpenError, PostgresStore};

use crate::world::{address, open, url_as};

async fn error(url: &str) -> OpenError {
    let opened = PostgresStore::open(address(url)).await.map(drop);
    let error = opened.expect_err(url);
    assert!(!error.to_string().contains("s3cret"), "{error}");
    error
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_wrong_address_has_its_own_error() {
    let server = PostgresServer::start(Fsync::Off).await;
    server.sql("CREATE ROLE app LOGIN PASSWORD 's3cret'");
    server.sql("CREATE ROLE weak LOGIN PASSWORD 's3cret'");
    server.sql("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'");
    // Passwords are needed from now on.
    let rules =
        "local all all trust\nhost all postgres all trust\nhost all all all scram-sha-256\n";
    std::fs::write(server.data().join("pg_hba.conf"), rules).unwrap();
    server.sql("SELECT pg_reload_conf()");

    let app = url_as(&server, "app", "s3cret");
    let wrong = error(&url_as(&server, "app", "s3cret-but-wrong")).await;
    assert!(
        matches!(&wrong, OpenError::Connect(ConnectError::Password { user, .. }) if user == "app"),
        "{wrong}"
    );
    let missing = error(&format!("postgres://app@{}/postgres", server.address())).await;
    assert!(
        matches!(missing, OpenError::Connect(ConnectError::Password { .. })),
        "{missing}"
    );
    let database = error(&app.replace("/postgres", "/shop")).await;
    assert!(
        matches!(&database, OpenError::Connect(ConnectError::NoDatabase { database, .. }) if database == "shop"),
        "{database}"
    );
    assert!(
        database.to_string().contains("CREATE DATABASE \"shop\""),
        "{database}"
    );
    let host = error("postgres://app:s3cret@no-such-host.invalid/postgres").await;
    assert!(
        matches!(host, OpenError::Connect(ConnectError::UnknownHost { .. })),
        "{host}"
    );
    let port = error("postgres://app:s3cret@127.0.0.1:1/postgres").await;
    assert!(
        matches!(port, OpenError::Connect(ConnectError::Unreachable { .. })),
        "{port}"
    );
    let tls = error(&format!("{app}?sslmode=require")).await;
    assert!(
        matches!(tls, OpenError::Connect(ConnectError::NoTls { .. })),
        "{tls}"
    );
    let encoding = error(&format!("postgres://postgres@{}/latin", server.address())).await;
    assert!(
        encoding.to_string().contains("encoding LATIN1"),
        "{encoding}"
    );
    let file = error(&format!(
        "{app}?sslmode=verify-ca&sslrootcert=/no/such/file"
    ))
    .await;
    assert!(
        matches!(file, OpenError::Connect(ConnectError::Authorities { .. })),
        "{file}"
    );
    rights(&server, &app).await;
}

/// A role without the right to create is shown the statement that grants it, and the statement works.
async fn rights(server: &PostgresServer, app: &str) {
    let denied = error(app).await;
    let OpenError::Rights {
        user, statement, ..
    } = &denied
    else {
        panic!("{denied}")
    };
    assert_eq!(user, "app");
    assert!(denied.to_string().contains(statement), "{denied}");
    server.sql(statement);
    open(app).await;
    // So is a role that may not use the tables of the first.
    let weak = url_as(server, "weak", "s3cret");
    let denied = error(&weak).await;
    let OpenError::Rights { statement, .. } = &denied else {
        panic!("{denied}")
    };
    server.sql(statement);
    open(&weak).await.ping().await.unwrap();
}
