//! The columns of a row as an event.

use webhook_model::Millis;

use super::world::World;
use crate::recorder::Recorder;

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_of_the_data_are_kept() {
    // Everything that `jsonb` changes or rejects.
    let texts = [
        r#"{"b" : 1,  "a":2, "a":3}"#,
        "1.0e+2",
        r#""\u0000\ud83e""#,
        "\"\u{1F980} \u{e4}\"",
        "  null\n",
        "12345678901234567890.000",
    ];
    let world = World::new().await;
    let (writer, sink) = (world.client().await, Recorder::new());
    for text in texts {
        world.insert(&writer, text).await;
    }
    let running = world.intake(&sink);
    let taken = sink.taken(texts.len()).await;
    for (entry, text) in taken.iter().zip(texts) {
        let event = entry.content.as_ref().unwrap();
        assert_eq!(std::str::from_utf8(&event.data).unwrap(), text);
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_column_is_read() {
    let world = World::new().await;
    let (table, sink) = (&world.table, Recorder::new());
    world
        .sql(&format!(
            "INSERT INTO {table} (tenant, type, data, event_id, ordering_key, created_at)
            VALUES ('acme', 'order.shipped', '1', 'evt_1', 'customer 7', '2026-01-01 01:00:00.25+01')"
        ))
        .await;
    let running = world.intake(&sink);
    let taken = sink.taken(1).await;
    let event = taken[0].content.as_ref().unwrap();
    assert_eq!(taken[0].tenant.as_ref().unwrap().as_str(), "acme");
    assert_eq!(
        (event.id.as_str(), &*event.kind),
        ("evt_1", "order.shipped")
    );
    assert_eq!(event.ordering_key.as_deref(), Some("customer 7"));
    assert_eq!(event.at, Millis(1_767_225_600_250));
    running.stop().await;
}

/// Rows that no sender can deliver, and the codes of their rejections.
const POISON: [(&str, &str); 9] = [
    ("(NULL, 'a.b', '1', NULL, NULL, now())", "no-tenant"),
    ("('No Tenant', 'a.b', '1', NULL, NULL, now())", "bad-tenant"),
    ("('acme', '', '1', NULL, NULL, now())", "bad-type"),
    ("('acme', NULL, '1', NULL, NULL, now())", "no-type"),
    ("('acme', 'a.b', NULL, NULL, NULL, now())", "no-data"),
    (
        "('acme', repeat('x', 100000), '1', NULL, NULL, now())",
        "bad-type",
    ),
    ("('acme', 'a.b', '1', 'a b', NULL, now())", "bad-id"),
    (
        "('acme', 'a.b', '1', NULL, repeat('x', 100000), now())",
        "bad-ordering-key",
    ),
    (
        "('acme', 'a.b', '1', NULL, NULL, '200000-01-01')",
        "bad-timestamp",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_poison_row_is_rejected_and_blocks_nothing() {
    let world = World::new().await;
    let (table, writer, sink) = (&world.table, world.client().await, Recorder::new());
    // As in a table that was made by other statements.
    for column in ["type", "data"] {
        let sql = format!("ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL");
        world.sql(&sql).await;
    }
    for (values, _) in POISON {
        let columns = "tenant, type, data, event_id, ordering_key, created_at";
        world
            .sql(&format!("INSERT INTO {table} ({columns}) VALUES {values}"))
            .await;
    }
    // A moment without an end is taken for none.
    world
        .sql(&format!(
            "INSERT INTO {table} (tenant, type, data, created_at) VALUES ('acme', 'a.b', '1', 'infinity')"
        ))
        .await;
    world.insert(&writer, "2").await;
    let running = world.intake(&sink);
    let taken = sink.taken(POISON.len() + 2).await;
    for (entry, (values, code)) in taken.iter().zip(POISON) {
        assert_eq!(entry.content.as_ref().unwrap_err().code, code, "{values}");
    }
    assert_eq!(sink.data(), ["1", "2"]);
    world.has_rows(0).await;
    assert_eq!(running.stats.snapshot().rejected, POISON.len() as u64);
    running.stop().await;
}
