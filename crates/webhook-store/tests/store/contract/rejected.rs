//! Guarantees of rejected events.

use webhook_model::{Rejected, Source};
use webhook_store::{PAGE_BYTES, RejectedFilter};

use crate::world::{World, at, tenant_id};

pub fn rejected(id: &str, ms: u64) -> Rejected {
    Rejected {
        id: id.into(),
        tenant: None,
        source: Source::named("stream"),
        at: at(ms),
        code: "no-tenant".into(),
        reason: "field `tenant` is missing".into(),
        fields: vec![
            ("data".into(), "{\u{fffd}\"\n".into()),
            ("data".into(), "".into()),
        ],
    }
}

async fn list(world: &World, filter: &RejectedFilter) -> Vec<Rejected> {
    let page = world.store().rejected(filter, None, 100).await.unwrap();
    assert_eq!(page.next_cursor, None);
    page.items
}

pub async fn a_rejected_event_is_stored_unchanged(world: World) {
    let full = Rejected {
        tenant: Some(world.acme.clone()),
        source: Source::API,
        ..rejected("1700000000000-0", 5)
    };
    let bare = Rejected {
        fields: vec![("\u{1b}[2J".into(), b"\xff\x00\xfe".to_vec().into())],
        ..rejected("any text: \u{1f980}", 4)
    };
    world
        .store()
        .reject(&[full.clone(), bare.clone()])
        .await
        .unwrap();
    world.store().reject(&[]).await.unwrap();
    assert_eq!(list(&world, &RejectedFilter::All).await, [full, bare]);
    assert_eq!(world.store().depth(at(9)).await.unwrap().dead, 2);
}

pub async fn rejecting_twice_changes_nothing(world: World) {
    let first = rejected("1-0", 5);
    let again = Rejected {
        reason: "another".into(),
        at: at(9),
        ..first.clone()
    };
    world
        .store()
        .reject(&[first.clone(), again.clone()])
        .await
        .unwrap();
    world.store().reject(&[again]).await.unwrap();
    assert_eq!(list(&world, &RejectedFilter::All).await, [first]);
    assert_eq!(world.store().depth(at(9)).await.unwrap().dead, 1);
}

pub async fn rejected_events_are_listed_by_tenant(world: World) {
    let globex = tenant_id("globex");
    world.store().put_tenant(&globex).await.unwrap();
    let of = |id, ms, tenant: Option<_>| Rejected {
        tenant,
        ..rejected(id, ms)
    };
    let none = of("none", 1, None);
    let ours = of("ours", 2, Some(world.acme.clone()));
    let theirs = of("theirs", 3, Some(globex.clone()));
    world
        .store()
        .reject(&[none.clone(), ours.clone(), theirs.clone()])
        .await
        .unwrap();
    let all = [theirs.clone(), ours.clone(), none.clone()];
    assert_eq!(list(&world, &RejectedFilter::All).await, all);
    assert_eq!(
        list(&world, &RejectedFilter::Tenant(world.acme.clone())).await,
        [ours]
    );
    assert_eq!(
        list(&world, &RejectedFilter::Tenant(globex)).await,
        [theirs]
    );
    assert_eq!(
        list(&world, &RejectedFilter::Tenant(tenant_id("nobody"))).await,
        []
    );
    assert_eq!(list(&world, &RejectedFilter::Unassigned).await, [none]);
}

pub async fn rejected_events_are_listed_in_pages(world: World) {
    let all: Vec<_> = (0..11).map(|n| rejected(&format!("{n}-0"), n)).collect();
    world.store().reject(&all).await.unwrap();
    for limit in [1, 4, 11, 12] {
        let mut seen = Vec::new();
        let mut cursor = None;
        loop {
            let filter = RejectedFilter::Unassigned;
            let page = world
                .store()
                .rejected(&filter, cursor.as_ref(), limit)
                .await
                .unwrap();
            assert!(!page.items.is_empty() && page.items.len() <= limit);
            seen.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert!(seen.iter().eq(all.iter().rev()), "in pages of {limit}");
    }
}

pub async fn a_rejected_event_is_taken_once(world: World) {
    let one = Rejected {
        tenant: Some(world.acme.clone()),
        ..rejected("1-0", 5)
    };
    world
        .store()
        .reject(std::slice::from_ref(&one))
        .await
        .unwrap();
    assert_eq!(world.store().take_rejected("2-0").await.unwrap(), None);
    assert_eq!(
        world.store().take_rejected("1-0").await.unwrap(),
        Some(one.clone())
    );
    assert_eq!(world.store().take_rejected("1-0").await.unwrap(), None);
    assert_eq!(list(&world, &RejectedFilter::All).await, []);
    assert_eq!(world.store().depth(at(9)).await.unwrap().dead, 0);
    // It may be rejected again.
    world
        .store()
        .reject(std::slice::from_ref(&one))
        .await
        .unwrap();
    assert_eq!(list(&world, &RejectedFilter::All).await, [one]);
}

pub async fn a_rejected_event_is_found_by_its_id(world: World) {
    let one = rejected("events_0_1-0", 5);
    let all = [one.clone(), rejected("events_1_1-0", 6)];
    world.store().reject(&all).await.unwrap();
    let by_id = |id: &str| RejectedFilter::Id(id.into());
    assert_eq!(list(&world, &by_id(&one.id)).await, [one]);
    assert_eq!(list(&world, &by_id("events_2_1-0")).await, []);
}

pub async fn a_page_of_large_rejected_events_has_a_bounded_size(world: World) {
    let data = "x".repeat(PAGE_BYTES / 3);
    let large = |n: u64| Rejected {
        fields: vec![("data".into(), data.clone().into())],
        ..rejected(&format!("{n}-0"), n)
    };
    let all: Vec<_> = (0..20).map(large).collect();
    for one in &all {
        let one = std::slice::from_ref(one);
        world.store().reject(one).await.unwrap();
    }
    let (mut seen, mut pages, mut cursor) = (Vec::new(), 0, None);
    loop {
        let filter = RejectedFilter::All;
        let page = world.store().rejected(&filter, cursor.as_ref(), 100);
        let page = page.await.unwrap();
        assert!((1..20).contains(&page.items.len()));
        (cursor, pages) = (page.next_cursor, pages + 1);
        seen.extend(page.items.into_iter().map(|one| one.id));
        if cursor.is_none() {
            break;
        }
    }
    assert!(pages > 1);
    assert!(seen.iter().eq(all.iter().rev().map(|one| &one.id)));
}
