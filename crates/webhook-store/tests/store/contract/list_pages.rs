//! Guarantees of the pages of a list of deliveries.

use std::collections::HashSet;

use webhook_model::Delivery;
use webhook_model::DeliveryState::{Dead, InFlight, Pending};
use webhook_store::{Cursor, DeliveryFilter, MAX_EXAMINED, RejectedFilter, StoreError};

use super::list::{ids, sample};
use crate::world::{To, World, claimed, dead, due, event, of_state, planned};

/// Returns the deliveries that match a filter, read in pages of `limit`, none of which may be empty.
async fn in_pages(world: &World, filter: &DeliveryFilter, limit: usize) -> Vec<Delivery> {
    let (mut listed, mut cursor) = (Vec::new(), None);
    loop {
        let page = world
            .store()
            .deliveries(&world.acme, filter, cursor.as_ref(), limit)
            .await
            .unwrap();
        assert!((1..=limit).contains(&page.items.len()));
        listed.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return listed;
        }
    }
}

pub async fn pages_follow_each_other(world: World) {
    // Many of the same time too.
    let events = (0..23).map(|n| {
        planned(
            &world.acme,
            event(&format!("e{n}")),
            &[dead(&world.orders, "no")],
        )
    });
    world
        .plan_as(&world.owner, &world.acme, events.collect(), 5)
        .await;
    world.one(event("late"), due(&world.orders, 50), 6).await;
    for filter in [DeliveryFilter::default(), of_state(Dead), of_state(Pending)] {
        let whole = world.list(&filter).await;
        for limit in [1, 2, 5, 12, 23, 24, 25] {
            let listed = in_pages(&world, &filter, limit).await;
            assert_eq!(listed, whole, "in pages of {limit}");
        }
    }
}

pub async fn a_page_has_the_newest_deliveries_of_all_endpoints(world: World) {
    let mut endpoints = vec![world.orders.clone()];
    for n in 0..6 {
        endpoints.push(world.add(&format!("other-{n}")).await);
    }
    // One endpoint has most of them, and the newest and the oldest come to others.
    let mut expected = Vec::new();
    for n in 0..90 {
        let endpoint = match n {
            0..10 | 80..90 => &endpoints[1 + n % 6],
            _ if n % 20 == 7 => &endpoints[1 + n / 20],
            _ => &endpoints[0],
        };
        let new = event(&format!("e{n}"));
        expected.push(world.one(new, dead(endpoint, "no"), n as u64).await);
    }
    expected.reverse();
    for limit in [1, 7, 30, 89, 90, 200] {
        let listed = in_pages(&world, &DeliveryFilter::default(), limit).await;
        let listed: Vec<_> = listed.into_iter().map(|delivery| delivery.id).collect();
        assert_eq!(listed, expected, "in pages of {limit}");
    }
}

/// Plans some more deliveries than a call examines.
async fn plan_many(world: &World, to: &To, ms: u64) {
    for batch in 0..5 {
        let new = |n| event(&format!("many-{ms}-{batch}-{n}"));
        let many =
            (0..MAX_EXAMINED / 4).map(|n| planned(&world.acme, new(n), std::slice::from_ref(to)));
        world
            .plan_as(&world.owner, &world.acme, many.collect(), ms)
            .await;
    }
}

pub async fn the_newest_of_many_pending_deliveries_come_first(world: World) {
    plan_many(&world, &due(&world.orders, 9_000), 1).await;
    let newest = world.one(event("new"), due(&world.orders, 1), 2).await;
    let page = world
        .store()
        .deliveries(&world.acme, &of_state(Pending), None, 50)
        .await
        .unwrap();
    assert_eq!((page.items.len(), &page.items[0].id), (50, &newest));
    assert!(page.items.iter().all(|it| it.state == Pending));
    assert!(page.next_cursor.is_some());
}

pub async fn few_unfinished_and_failed_deliveries_are_found_among_many(world: World) {
    let waits = world
        .one(event("waits"), due(&world.orders, 9_000), 1)
        .await;
    let flies = world.one(event("flies"), claimed(&world.orders), 1).await;
    let fails = world.one(event("fails"), claimed(&world.orders), 1).await;
    world.retry(&fails, 9_000, 2).await;
    plan_many(&world, &dead(&world.orders, "no"), 3).await;
    let failed = DeliveryFilter {
        status: Some("5xx".parse().unwrap()),
        ..DeliveryFilter::default()
    };
    assert_eq!(ids(&world, &failed).await, std::slice::from_ref(&fails));
    assert_eq!(ids(&world, &of_state(InFlight)).await, [flies]);
    let mut pending = ids(&world, &of_state(Pending)).await;
    pending.retain(|id| *id != fails);
    assert_eq!(pending, [waits]);
}

pub async fn new_deliveries_do_not_change_later_pages(world: World) {
    let before: HashSet<_> = {
        let events = (0..20).map(|n| {
            planned(
                &world.acme,
                event(&format!("e{n}")),
                &[dead(&world.orders, "no")],
            )
        });
        world
            .plan_as(&world.owner, &world.acme, events.collect(), 5)
            .await;
        ids(&world, &DeliveryFilter::default())
            .await
            .into_iter()
            .collect()
    };
    let mut seen = Vec::new();
    let mut cursor = None;
    for n in 0.. {
        let page = world
            .store()
            .deliveries(&world.acme, &of_state(Dead), cursor.as_ref(), 3)
            .await
            .unwrap();
        seen.extend(page.items.into_iter().map(|delivery| delivery.id));
        // At the same time, and later.
        world
            .one(event(&format!("same{n}")), dead(&world.orders, "no"), 5)
            .await;
        world
            .one(
                event(&format!("later{n}")),
                dead(&world.orders, "no"),
                6 + n,
            )
            .await;
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    // A delivery planned at the time of the page's end may be on the next one, depending on its id.
    seen.retain(|id| before.contains(id));
    assert_eq!(seen.len(), 20, "each once");
    assert_eq!(seen.into_iter().collect::<HashSet<_>>(), before);
}

pub async fn an_invalid_cursor_is_rejected(world: World) {
    sample(&world).await;
    for bad in ["", "x", "d", "d1", "d1-x", "-1", "\u{1f980}"] {
        let cursor = Cursor(bad.into());
        let filter = DeliveryFilter::default();
        let refused = world
            .store()
            .deliveries(&world.acme, &filter, Some(&cursor), 5)
            .await;
        assert!(
            matches!(&refused, Err(StoreError::Cursor(text)) if text == bad),
            "{refused:?}"
        );
        let refused = world
            .store()
            .rejected(&RejectedFilter::All, Some(&cursor), 5)
            .await;
        assert!(
            matches!(&refused, Err(StoreError::Cursor(text)) if text == bad),
            "{refused:?}"
        );
    }
}
