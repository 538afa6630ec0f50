//! The schema and its migrations.

use futures::future::join_all;
use webhook_model::DeliveryState;
use webhook_store::postgres::{OpenError, PostgresStore, SchemaVersion, check, migrate};
use webhook_store::{InitialState, Queries, Tenants};

use crate::world::{acme, address, delivery_id, event, open, owner, plan, planned, set_up, shared};

/// Runs SQL in the schema of an address.
async fn execute(url: &str, sql: &str) {
    let (server, schema) = url.split_once("?schema=").unwrap();
    let (client, connection) = tokio_postgres::connect(server, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let sql = format!("SET search_path = {schema}; {sql}");
    client.batch_execute(&sql).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_processes_may_start_at_once() {
    let url = shared().await;
    let opened = join_all((0..10).map(|_| PostgresStore::open(address(&url)))).await;
    for store in opened {
        store.unwrap().ping().await.unwrap();
    }
    let version = check(address(&url)).await.unwrap();
    assert_eq!(version.found, version.needed);
}

#[tokio::test]
async fn a_check_reports_a_missing_migration_and_changes_nothing() {
    let url = shared().await;
    for _ in 0..2 {
        let SchemaVersion { found, needed } = check(address(&url)).await.unwrap();
        assert!(found == 0 && needed > 0);
    }
    assert_eq!(migrate(address(&url)).await.unwrap().found, 0);
    let SchemaVersion { found, needed } = check(address(&url)).await.unwrap();
    assert_eq!(found, needed);
}

#[tokio::test]
async fn a_newer_schema_is_refused_by_its_version() {
    let url = shared().await;
    open(&url).await;
    execute(&url, "UPDATE schema_version SET version = 1000").await;
    for refused in [
        PostgresStore::open(address(&url)).await.map(drop),
        migrate(address(&url)).await.map(drop),
        check(address(&url)).await.map(drop),
    ] {
        let error = refused.unwrap_err();
        assert!(matches!(error, OpenError::Newer { found: 1000, .. }));
        assert!(
            error
                .to_string()
                .contains("version 1000 of a newer release")
        );
    }
}

#[tokio::test]
async fn a_schema_of_another_program_is_refused() {
    for tables in [
        "CREATE TABLE orders (id int)",
        "CREATE TABLE schema_version (number int)",
    ] {
        let url = shared().await;
        let schema = url.split_once("?schema=").unwrap().1;
        execute(&url, &format!("CREATE SCHEMA {schema}; {tables}")).await;
        let error = PostgresStore::open(address(&url))
            .await
            .map(drop)
            .unwrap_err();
        assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
        assert!(error.to_string().contains("?schema="), "{error}");
    }
}

#[tokio::test]
async fn every_released_schema_migrates_with_its_data() {
    // Version 1 is the only one. Its data stays when the newest program opens it.
    let url = shared().await;
    let store = open(&url).await;
    let owner = owner("a");
    set_up(&store, &owner).await;
    let events = vec![planned(event("e"), InitialState::Claimed)];
    plan(&store, &owner, events).await.unwrap();
    let endpoints = store.endpoints(&acme()).await.unwrap();
    drop(store);

    let store = open(&url).await;
    assert_eq!(store.endpoints(&acme()).await.unwrap(), endpoints);
    let delivery = store.delivery(&acme(), &delivery_id("e")).await.unwrap();
    assert_eq!(delivery.unwrap().state, DeliveryState::InFlight);
}

#[tokio::test]
async fn the_tables_reject_states_that_no_call_may_produce() {
    let url = shared().await;
    let store = open(&url).await;
    let owner = owner("a");
    set_up(&store, &owner).await;
    let events = vec![planned(event("e"), InitialState::Claimed)];
    plan(&store, &owner, events).await.unwrap();
    let (server, schema) = url.split_once("?schema=").unwrap();
    let (client, connection) = tokio_postgres::connect(server, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client
        .batch_execute(&format!("SET search_path = {schema}"))
        .await
        .unwrap();
    for impossible in [
        "UPDATE deliveries SET owner = NULL",
        "UPDATE deliveries SET fence = NULL",
        "UPDATE deliveries SET state = 4, owner = NULL, fence = NULL",
        "UPDATE deliveries SET state = 1, owner = NULL, fence = NULL",
        "UPDATE deliveries SET state = 9",
        "UPDATE deliveries SET earlier = 1",
        "UPDATE deliveries SET reason = 'x'",
        "INSERT INTO attempts (event, at, claim, duration_ms, endpoint, number)
            VALUES (0, 0, 0, 0, 0, 1)",
        "UPDATE endpoints SET deleted_at = 1",
        "INSERT INTO events (at, kept_at, tenant, id, kind, data, source)
            SELECT at, kept_at, tenant, id, kind, data, source FROM events",
    ] {
        let error = client.batch_execute(impossible).await.unwrap_err();
        let code = error.code().map(|code| code.code().to_owned());
        let violation = code.as_deref().is_some_and(|code| code.starts_with("23"));
        assert!(violation, "{impossible}: {error:?}");
    }
}
