//! The schema and its migrations.

use futures::future::join_all;
use webhook_model::{Attempt, DeliveryId, DeliveryState, EndpointId};
use webhook_store::postgres::{OpenError, PostgresStore, SchemaVersion, check, migrate};
use webhook_store::{DeliveryFilter, InitialState, Interval, Queries};

use crate::world::{
    acme, address, at, delivery_id, event, open, owner, plan, planned, set_up, shared,
};

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

/// The data of a store as version 1 of the schema has it: an event of tenant `acme` with a delivery that
/// failed with 503 and then without a response, and one that succeeded.
const VERSION_1: &str = "
    INSERT INTO tenants (id, version) VALUES ('acme', 1);
    INSERT INTO endpoints (tenant, id, version, definition, enabled) VALUES (1, 'orders', 1, '{}', true);
    INSERT INTO endpoints (tenant, id, version, deleted_at, enabled) VALUES (1, 'gone', 1, 5, false);
    INSERT INTO events (at, kept_at, tenant, id, kind, source, data)
        VALUES (1, 1, 1, 'e', 'order.shipped', 'api', '1');
    INSERT INTO deliveries (event, at, created_at, endpoint, tenant, attempts, id, state)
        VALUES (1, 9, 1, 1, 1, 2, 'ORDERS', 0), (1, 9, 1, 2, 1, 1, 'GONE', 3);
    INSERT INTO attempts (event, at, claim, duration_ms, endpoint, number, status, phase, error, response)
        VALUES (1, 1, 1, 7, 1, 1, 503, 'respond', 'responded 503', 'busy'),
            (1, 2, 2, 7, 1, 2, NULL, 'connect', 'refused', NULL),
            (1, 3, 3, 7, 2, 1, 200, NULL, NULL, 'ok');";

#[tokio::test]
async fn every_released_schema_migrates_with_its_data() {
    let url = shared().await;
    let schema = url.split_once("?schema=").unwrap().1;
    let gone = EndpointId::parse("gone").unwrap();
    let gone = DeliveryId::of(&acme(), &event("e").id, &gone);
    let digest = |id: &DeliveryId| id.as_str()[4..].to_owned();
    let data = VERSION_1
        .replace("ORDERS", &digest(&delivery_id("e")))
        .replace("GONE", &digest(&gone));
    let tables = "CREATE TABLE schema_version (
            one boolean PRIMARY KEY DEFAULT true CHECK (one), application text NOT NULL,
            version integer NOT NULL
        );
        INSERT INTO schema_version (application, version) VALUES ('webhook-sender', 1)";
    let first = include_str!("../../src/postgres/migrations/0001.sql");
    execute(
        &url,
        &format!("CREATE SCHEMA {schema}; {tables}; {first}; {data}"),
    )
    .await;

    let store = open(&url).await;
    let version = check(address(&url)).await.unwrap();
    assert_eq!(version.found, version.needed);
    let retried = store
        .delivery(&acme(), &delivery_id("e"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(retried.state, DeliveryState::Pending);
    let shown = |attempt: &Attempt| {
        let response = attempt.exchange.response();
        (attempt.status, response.map(|response| response.text()))
    };
    let attempts: Vec<_> = retried.attempts.iter().map(shown).collect();
    assert_eq!(attempts, [(Some(503), Some("busy".into())), (None, None)]);
    for (status, found) in [("none", &retried.id), ("200", &gone)] {
        let filter = DeliveryFilter {
            status: Some(status.parse().unwrap()),
            ..DeliveryFilter::default()
        };
        let page = store.deliveries(&acme(), &filter, None, 9).await.unwrap();
        let ids: Vec<_> = page.items.iter().map(|delivery| &delivery.id).collect();
        assert_eq!(ids, [found], "{status}");
    }
    let orders = EndpointId::parse("orders").unwrap();
    let stats = store
        .endpoint_stats(&acme(), &orders, Interval::Hour, at(0))
        .await;
    let recent = stats.unwrap().unwrap().recent.into_iter();
    let recent: Vec<_> = recent
        .map(|it| (it.at.0, it.status, it.succeeded, it.duration_ms))
        .collect();
    assert_eq!(recent, [(2, None, false, 7), (1, Some(503), false, 7)]);
    store.erase(&acme(), "e", at(9)).await.unwrap().unwrap();
    let erased = store.delivery(&acme(), &gone).await.unwrap().unwrap();
    assert_eq!(shown(&erased.attempts[0]), (Some(200), None));
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
