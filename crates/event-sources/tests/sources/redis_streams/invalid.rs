//! Entries that are no valid event.

use crate::redis_streams::world::{Recorder, World};

#[tokio::test]
async fn each_kind_of_invalid_entry_is_rejected_and_blocks_nothing() {
    let world = World::new().await;
    let (tenant, kind, data) = (
        ("tenant", &b"acme"[..]),
        ("type", &b"a.b"[..]),
        ("data", &b"1"[..]),
    );
    let large = vec![b' '; (1 << 20) + 1];
    type Fields<'a> = Vec<(&'a str, &'a [u8])>;
    let cases: Vec<(&str, Fields)> = vec![
        ("no-tenant", vec![kind, data]),
        ("bad-tenant", vec![("tenant", b"NO SUCH NAME"), kind, data]),
        ("bad-tenant", vec![("tenant", b"\xff\xfe"), kind, data]),
        ("no-type", vec![tenant, data]),
        ("bad-type", vec![tenant, ("type", b"a..b"), data]),
        ("no-data", vec![tenant, kind]),
        ("bad-data", vec![tenant, kind, ("data", b"{\"a\":")]),
        ("bad-data", vec![tenant, kind, ("data", b"\xff")]),
        ("too-large", vec![tenant, kind, ("data", &large)]),
        ("bad-id", vec![tenant, kind, data, ("id", b"with.stop")]),
        (
            "bad-timestamp",
            vec![tenant, kind, data, ("timestamp", b"yesterday")],
        ),
        ("no-tenant", vec![("\u{1F980}", b"\xff")]),
    ];
    let mut published = Vec::new();
    for (_, fields) in &cases {
        published.push(world.add(fields).await);
    }
    let good = world.publish(7).await;
    published.push(good.clone());
    let sink = Recorder::new();
    let running = world.intake("a", &sink);
    let mut taken = sink.taken(cases.len() + 1).await;
    // Entries without a tenant have their own queue.
    taken.sort_unstable_by_key(|taken| published.iter().position(|id| *id == taken.id));
    for ((code, _), taken) in cases.iter().zip(&taken) {
        let rejected = taken.content.as_ref().unwrap_err();
        assert_eq!(
            (rejected.code.as_str(), &rejected.id),
            (*code, &taken.derived)
        );
        // The sink checks that the tenant exists; the intake passes the name on.
        assert_eq!(taken.tenant.is_none(), code.ends_with("tenant"), "{code}");
    }
    let last = taken.last().unwrap();
    assert_eq!(
        (&last.id, &last.content.as_ref().unwrap().data[..]),
        (&good, &b"7"[..])
    );
    world.acknowledged(&running, taken.len() as u64).await;
    assert_eq!(running.stats.snapshot().rejected, cases.len() as u64);
    assert_eq!(world.pending().await, 0);
}

#[tokio::test]
async fn a_field_name_that_is_not_utf_8_is_ignored() {
    let world = World::new().await;
    let mut command = redis::cmd("XADD");
    command.arg("events").arg("*").arg(b"\xff").arg("x");
    command
        .arg("tenant")
        .arg("acme")
        .arg("type")
        .arg("a")
        .arg("data")
        .arg("{}");
    let id: String = command
        .query_async(&mut world.connection().await)
        .await
        .unwrap();
    let sink = Recorder::new();
    let _running = world.intake("a", &sink);
    let taken = sink.taken(1).await;
    assert_eq!(taken[0].id, id);
    assert!(taken[0].content.is_ok());
}
