//! Tests of a SQLite file that an earlier version of the sender has written.

use std::path::Path;

use rusqlite::Connection;
use sha2::{Digest, Sha256};
use webhook_model::{DeliveryId, EventState, Owner, Source};
use webhook_store::sqlite::SqliteStore;
use webhook_store::{
    DeliveryFilter, EventFilter, Fence, Leases, ListedEvent, PlanBatch, Queries, Queue,
};

use crate::file::folder;
use crate::world::{UNTIL, at, due, endpoint, endpoint_id, event, planned, tenant_id};

/// Creates a file as version 2 of the schema had it: tenant `acme` with a planned event, which has a
/// succeeded delivery, an accepted one, and a rejected one.
fn version_2(file: &Path) {
    let sql = Connection::open(file).unwrap();
    sql.execute_batch(include_str!("../../src/sqlite/schema.sql"))
        .unwrap();
    sql.execute_batch(include_str!("../../src/sqlite/schema2.sql"))
        .unwrap();
    let application = i32::from_be_bytes(*b"whsd");
    sql.pragma_update(None, "application_id", application)
        .unwrap();
    sql.pragma_update(None, "user_version", 2).unwrap();
    let hash = |id: &str| {
        let tenant = 1_i64.to_le_bytes();
        let digest = Sha256::new().chain_update(tenant).chain_update(id);
        i64::from_be_bytes(digest.finalize()[..8].try_into().unwrap())
    };
    let (acme, orders) = (tenant_id("acme"), endpoint_id("orders"));
    let definition = endpoint(&acme, "orders");
    let definition = serde_json::to_string(&definition).unwrap();
    let delivery = DeliveryId::of(&acme, &event("planned").id, &orders);
    let delivery = hex::decode(&delivery.as_str()[4..]).unwrap();
    let data = |id| event(id).data.to_vec();
    let now = at(5).as_i64();
    sql.execute_batch("INSERT INTO tenants VALUES (1, 'acme', 1)")
        .unwrap();
    sql.execute(
        "INSERT INTO endpoints VALUES (1, 1, 'orders', ?1, 1, 1, NULL)",
        [definition],
    )
    .unwrap();
    let insert = "INSERT INTO events VALUES (?1, ?2, 1, ?3, ?4, ?4, ?5, 'order.shipped', NULL, ?6)";
    for (key, deliveries, id) in [(1, 1, "planned"), (3, -1, "accepted")] {
        let row = (key, hash(id), deliveries, now, id, data(id));
        sql.execute(insert, row).unwrap();
    }
    sql.execute(
        "INSERT INTO deliveries VALUES (2, 1, 1, 1, 2, ?1, ?1, 1, ?2, NULL, NULL, NULL, NULL)",
        (now, delivery),
    )
    .unwrap();
    sql.execute_batch("INSERT INTO accepted (tenant, event) VALUES (1, 3)")
        .unwrap();
    sql.execute(
        "INSERT INTO rejected VALUES (1, 'rejected', 1, ?1, '\"stream\"', 'bad-type', 'no', '[]')",
        [at(4).as_i64()],
    )
    .unwrap();
}

#[tokio::test]
async fn events_of_an_earlier_schema_are_listed_and_planned() {
    let (_folder, file) = folder();
    version_2(&file);
    let store = SqliteStore::open(&file).unwrap();
    let (acme, all) = (tenant_id("acme"), EventFilter::default());
    let list = async || {
        let events = store.events(&acme, &all, None, 10).await.unwrap().items;
        let kept = |listed| match listed {
            ListedEvent::Kept(one) => (one.id.to_string(), one.state, one.accepted_at, one.source),
            ListedEvent::Rejected(one) => (one.id, EventState::Rejected, one.at, one.source),
        };
        events.into_iter().map(kept).collect::<Vec<_>>()
    };
    let listed = |id: &str, state| (id.to_owned(), state, at(5), Source::UNKNOWN);
    let rejected = (
        "rejected".into(),
        EventState::Rejected,
        at(4),
        Source::named("stream"),
    );
    let with = |accepted| {
        let first = listed("accepted", accepted);
        let second = listed("planned", EventState::Planned);
        [first, second, rejected.clone()]
    };
    assert_eq!(list().await, with(EventState::Accepted));

    let owner = Owner::this_process("sender");
    store.acquire_lease(&owner, at(6), at(UNTIL)).await.unwrap();
    let taken = store.begin_planning(&owner, &acme, 9).await.unwrap();
    let first = taken.into_iter().next().unwrap().event;
    let orders = endpoint_id("orders");
    let batch = PlanBatch {
        tenant: acme.clone(),
        version: 1,
        fence: Fence::new(at(7)),
        events: vec![planned(&acme, first, &[due(&orders, 7)])],
        accepted: true,
    };
    store.plan(&owner, batch, at(7)).await.unwrap();
    assert_eq!(list().await, with(EventState::Planned));
    for id in ["accepted", "planned"] {
        let of_event = DeliveryFilter {
            event: Some(event(id).id),
            ..DeliveryFilter::default()
        };
        let deliveries = store.deliveries(&acme, &of_event, None, 9).await.unwrap();
        let [one] = &deliveries.items[..] else {
            panic!("{deliveries:?}")
        };
        assert_eq!(one.event.as_str(), id);
    }
}

#[tokio::test]
async fn attempts_of_an_earlier_schema_are_shown_and_selected() {
    let (_folder, file) = folder();
    version_2(&file);
    let attempts = r#"{"at":1,"status":503,"error":"no","duration_ms":7,"response":"busy \"","claim":"1"},{"at":2,"status":200,"duration_ms":7,"claim":"2"}"#;
    let sql = Connection::open(&file).unwrap();
    sql.execute("UPDATE deliveries SET attempts = ?1", [attempts])
        .unwrap();
    drop(sql);
    let store = SqliteStore::open(&file).unwrap();
    let acme = tenant_id("acme");
    let of_status = |status: &str| DeliveryFilter {
        status: Some(status.parse().unwrap()),
        ..DeliveryFilter::default()
    };
    let listed = async |status| {
        let page = store.deliveries(&acme, &of_status(status), None, 9).await;
        page.unwrap().items
    };
    assert_eq!(listed("503").await, []);
    let id = listed("200").await.remove(0).id;
    let delivery = store.delivery(&acme, &id).await.unwrap().unwrap();
    let response = |at: usize| delivery.attempts[at].exchange.response();
    assert_eq!(response(0).unwrap().text(), "busy \"");
    assert_eq!(response(1), None);
    store.erase(&acme, "planned", at(9)).await.unwrap().unwrap();
    let delivery = store.delivery(&acme, &id).await.unwrap().unwrap();
    let statuses = delivery.attempts.iter().map(|attempt| attempt.status);
    assert_eq!(statuses.collect::<Vec<_>>(), [Some(503), Some(200)]);
    assert!(delivery.attempts.iter().all(|it| it.exchange.is_empty()));
}
