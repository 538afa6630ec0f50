//! Guarantees of the audit list.

use serde_json::json;
use webhook_model::{AuditChange, AuditEntry, AuditId, AuditOutcome, KeyId, SessionId};
use webhook_store::{AuditFilter, Cursor, StoreError};

use crate::world::{World, at, tenant_id};

/// The number of entries of a tenant that tests keep.
const KEEP: usize = 100;

/// Returns an entry of that moment, of a tenant or of none.
fn entry(ms: u64, tenant: Option<&str>) -> AuditEntry {
    AuditEntry {
        id: AuditId::at(at(ms)),
        at: at(ms),
        key: KeyId::parse("key_1").unwrap(),
        key_name: "shop".into(),
        session: None,
        peer: None,
        action: "endpoint.change".into(),
        tenant: tenant.map(tenant_id),
        target: None,
        outcome: AuditOutcome::Unknown,
        changes: Vec::new(),
    }
}

async fn put(world: &World, entry: &AuditEntry) {
    world.store().put_audit_entry(entry, KEEP).await.unwrap();
}

async fn list(world: &World, filter: &AuditFilter) -> Vec<AuditEntry> {
    let page = world.store().audit_entries(filter, None, 50).await.unwrap();
    page.items
}

pub async fn an_audit_entry_is_stored_unchanged(mut world: World) {
    let full = AuditEntry {
        session: Some(SessionId::at(at(1))),
        peer: Some("192.0.2.1".into()),
        target: Some("line\nbreak and \0".into()),
        outcome: AuditOutcome::Failed("conflict".into()),
        changes: vec![AuditChange {
            field: "events".into(),
            from: Some(json!(["*"])),
            to: Some(json!(["order.*", "\u{0}"])),
        }],
        ..entry(2, Some("acme"))
    };
    let short = entry(1, None);
    for entry in [&full, &short] {
        put(&world, entry).await;
    }
    world.restart(50).await;
    assert_eq!(list(&world, &AuditFilter::default()).await, [full, short]);
}

pub async fn an_audit_entry_is_replaced_by_its_outcome(world: World) {
    let begun = entry(1, None);
    put(&world, &begun).await;
    let ended = AuditEntry {
        outcome: AuditOutcome::Done,
        tenant: Some(tenant_id("acme")),
        ..begun
    };
    put(&world, &ended).await;
    let of_acme = AuditFilter {
        tenant: Some(tenant_id("acme")),
        ..AuditFilter::default()
    };
    assert_eq!(list(&world, &of_acme).await, std::slice::from_ref(&ended));
    assert_eq!(list(&world, &AuditFilter::default()).await, [ended]);
}

pub async fn every_filter_selects_its_audit_entries(world: World) {
    let entries = [
        entry(1, Some("acme")),
        entry(2, None),
        entry(3, Some("globex")),
        entry(4, Some("acme")),
    ];
    for entry in &entries {
        put(&world, entry).await;
    }
    let selected = async |tenant: Option<&str>, from: Option<u64>, to: Option<u64>| {
        let filter = AuditFilter {
            tenant: tenant.map(tenant_id),
            from: from.map(at),
            to: to.map(at),
        };
        let times = list(&world, &filter).await;
        times
            .iter()
            .map(|entry| entry.at.0 - at(0).0)
            .collect::<Vec<_>>()
    };
    assert_eq!(selected(None, None, None).await, [4, 3, 2, 1]);
    assert_eq!(selected(Some("acme"), None, None).await, [4, 1]);
    assert_eq!(selected(None, Some(2), Some(4)).await, [3, 2]);
    assert_eq!(selected(Some("acme"), Some(2), None).await, [4]);
    assert_eq!(selected(Some("unknown"), None, None).await, [0_u64; 0]);
}

pub async fn pages_of_audit_entries_follow_each_other(world: World) {
    // Several in one moment.
    for number in 0..7 {
        put(&world, &entry(number / 3, Some("acme"))).await;
    }
    let all = list(&world, &AuditFilter::default()).await;
    assert_eq!(all.len(), 7);
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let filter = AuditFilter::default();
        let page = world.store().audit_entries(&filter, cursor.as_ref(), 2);
        let page = page.await.unwrap();
        found.extend(page.items);
        // Later entries do not change later pages.
        put(&world, &entry(9, None)).await;
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found, all);
    let (filter, cursor) = (AuditFilter::default(), Cursor("sses_1".into()));
    let page = world.store().audit_entries(&filter, Some(&cursor), 2).await;
    assert!(matches!(page, Err(StoreError::Cursor(_))));
}

pub async fn a_tenant_pushes_out_its_own_audit_entries_only(world: World) {
    put(&world, &entry(0, None)).await;
    put(&world, &entry(0, Some("globex"))).await;
    for number in 0..5 {
        let entry = entry(number, Some("acme"));
        world.store().put_audit_entry(&entry, 3).await.unwrap();
    }
    let left = list(&world, &AuditFilter::default()).await;
    let left = left.iter().map(|entry| {
        let tenant = entry.tenant.as_ref().map_or("", |tenant| tenant.as_str());
        (entry.at.0 - at(0).0, tenant.to_owned())
    });
    let mut left: Vec<_> = left.collect();
    left.sort_unstable();
    let expected = [
        (0, ""),
        (0, "globex"),
        (2, "acme"),
        (3, "acme"),
        (4, "acme"),
    ];
    assert_eq!(left, expected.map(|(at, tenant)| (at, tenant.to_owned())));
}

pub async fn old_audit_entries_are_pruned(world: World) {
    for ms in [1, 2, 3] {
        put(&world, &entry(ms, Some("acme"))).await;
    }
    while world.store().prune_audit(at(3)).await.unwrap() {}
    let left = list(&world, &AuditFilter::default()).await;
    assert_eq!(
        left.iter().map(|entry| entry.at).collect::<Vec<_>>(),
        [at(3)]
    );
}
