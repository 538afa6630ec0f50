//! Guarantees of lists of deliveries.

use std::collections::HashSet;

use webhook_model::DeliveryState::{Dead, InFlight, Pending, Succeeded};
use webhook_model::{DeliveryId, DeliveryState};
use webhook_store::{Cursor, DeliveryFilter, MAX_EXAMINED, RejectedFilter, StoreError};

use crate::world::{To, World, at, claimed, dead, due, event, of_delivery, of_state, planned};

/// Creates two endpoints, and deliveries in every state, planned at 10, 20, ... in this order.
async fn sample(world: &World) -> Vec<(DeliveryId, DeliveryState)> {
    let other = world.add("other").await;
    let mut sample = Vec::new();
    for (round, endpoint) in [&world.orders, &other, &world.orders]
        .into_iter()
        .enumerate()
    {
        for (n, state) in DeliveryState::ALL.into_iter().enumerate() {
            let ms = (round * 4 + n + 1) as u64 * 10;
            let to = match state {
                Pending => due(endpoint, ms + 1_000),
                Dead => dead(endpoint, "no"),
                InFlight | Succeeded => claimed(endpoint),
            };
            let id = world.one(event(&format!("e{ms}")), to, ms).await;
            if state == Succeeded {
                world.succeed(&id, ms).await;
            }
            sample.push((id, state));
        }
    }
    sample.reverse();
    sample
}

async fn ids(world: &World, filter: &DeliveryFilter) -> Vec<DeliveryId> {
    world
        .list(filter)
        .await
        .into_iter()
        .map(|delivery| delivery.id)
        .collect()
}

pub async fn the_newest_come_first(world: World) {
    let sample = sample(&world).await;
    let listed = world.list(&DeliveryFilter::default()).await;
    let shown: Vec<_> = listed
        .iter()
        .map(|delivery| (delivery.id.clone(), delivery.state))
        .collect();
    assert_eq!(shown, sample);
    assert!(listed.is_sorted_by(|a, b| a.created_at >= b.created_at));
    for delivery in listed {
        assert_eq!(world.get(&delivery.id).await, delivery);
    }
}

pub async fn every_filter_selects_its_deliveries(world: World) {
    let sample = sample(&world).await;
    let select = |keep: &dyn Fn(usize, DeliveryState) -> bool| -> Vec<DeliveryId> {
        let kept = sample
            .iter()
            .enumerate()
            .filter(|(n, (_, state))| keep(sample.len() - 1 - n, *state));
        kept.map(|(_, (id, _))| id.clone()).collect()
    };
    for wanted in DeliveryState::ALL {
        assert_eq!(
            ids(&world, &of_state(wanted)).await,
            select(&|_, state| state == wanted)
        );
    }
    let other = DeliveryFilter {
        endpoint: Some(crate::world::endpoint_id("other")),
        ..Default::default()
    };
    assert_eq!(
        ids(&world, &other).await,
        select(&|n, _| (4..8).contains(&n))
    );
    let one = DeliveryFilter {
        event: Some(event("e50").id),
        ..Default::default()
    };
    assert_eq!(ids(&world, &one).await, select(&|n, _| n == 4));
    assert_eq!(
        ids(&world, &of_delivery(&sample[3].0)).await,
        [sample[3].0.clone()]
    );
    let from = DeliveryFilter {
        from: Some(at(50)),
        ..Default::default()
    };
    assert_eq!(ids(&world, &from).await, select(&|n, _| n >= 4));
    let to = DeliveryFilter {
        to: Some(at(50)),
        ..Default::default()
    };
    assert_eq!(ids(&world, &to).await, select(&|n, _| n < 4));
}

pub async fn all_parts_of_a_filter_must_match(world: World) {
    let sample = sample(&world).await;
    let newest_first = |n: usize| sample[sample.len() - 1 - n].0.clone();
    for wanted in DeliveryState::ALL {
        let n = DeliveryState::ALL
            .iter()
            .position(|state| *state == wanted)
            .unwrap();
        let base = DeliveryFilter {
            endpoint: Some(world.orders.clone()),
            ..of_state(wanted)
        };
        assert_eq!(
            ids(&world, &base).await,
            [newest_first(8 + n), newest_first(n)]
        );
        let early = DeliveryFilter {
            to: Some(at(60)),
            from: Some(at(10)),
            ..base.clone()
        };
        assert_eq!(ids(&world, &early).await, [newest_first(n)]);
        let late = DeliveryFilter {
            from: Some(at(60)),
            ..base.clone()
        };
        assert_eq!(ids(&world, &late).await, [newest_first(8 + n)]);
        // Contradicting parts match nothing.
        let id = newest_first((n + 1) % 4);
        assert_eq!(
            ids(
                &world,
                &DeliveryFilter {
                    delivery: Some(id),
                    ..base.clone()
                }
            )
            .await,
            []
        );
        let event = Some(event("e50").id);
        assert_eq!(ids(&world, &DeliveryFilter { event, ..base }).await, []);
    }
    let several = DeliveryFilter {
        delivery: Some(newest_first(4)),
        event: Some(event("e50").id),
        endpoint: Some(crate::world::endpoint_id("other")),
        state: Some(Pending),
        kind: Some(event("e50").kind),
        status: None,
        from: Some(at(50)),
        to: Some(at(51)),
    };
    assert_eq!(ids(&world, &several).await, [newest_first(4)]);
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
            let mut pages = Vec::new();
            let mut cursor = None;
            loop {
                let page = world
                    .store()
                    .deliveries(&world.acme, &filter, cursor.as_ref(), limit)
                    .await
                    .unwrap();
                assert!(page.items.len() <= limit);
                assert!(!page.items.is_empty());
                pages.extend(page.items);
                cursor = page.next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(pages, whole, "in pages of {limit}");
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
        let (mut listed, mut cursor) = (Vec::new(), None);
        loop {
            let all = DeliveryFilter::default();
            let page = world
                .store()
                .deliveries(&world.acme, &all, cursor.as_ref(), limit)
                .await
                .unwrap();
            listed.extend(page.items.into_iter().map(|it| it.id));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
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

pub async fn a_list_without_matches_is_empty(world: World) {
    let nobody = crate::world::tenant_id("nobody");
    let none = crate::world::endpoint_id("none");
    let page = world
        .store()
        .deliveries(&nobody, &DeliveryFilter::default(), None, 5)
        .await
        .unwrap();
    assert_eq!((page.items, page.next_cursor), (vec![], None));
    world.one(event("e"), due(&world.orders, 1), 1).await;
    for filter in [
        DeliveryFilter {
            endpoint: Some(none),
            ..Default::default()
        },
        DeliveryFilter {
            event: Some(event("none").id),
            ..Default::default()
        },
        of_delivery(&DeliveryId::parse("dlv_none").unwrap()),
        DeliveryFilter {
            from: Some(at(5)),
            ..Default::default()
        },
        of_state(Dead),
        of_state(InFlight),
    ] {
        assert_eq!(world.list(&filter).await, [], "{filter:?}");
    }
}

pub async fn a_delivery_is_found_by_its_id(world: World) {
    let id = world.one(event("e"), due(&world.orders, 1), 1).await;
    assert_eq!(world.get(&id).await.id, id);
    let unknown = DeliveryId::parse("dlv_none").unwrap();
    assert_eq!(
        world.store().delivery(&world.acme, &unknown).await.unwrap(),
        None
    );
}

pub async fn a_returned_call_is_visible_in_lists(world: World) {
    // A read sees every call that returned before it.
    for n in 0..100 {
        let id = world
            .one(event(&format!("e{n}")), claimed(&world.orders), n)
            .await;
        assert_eq!(world.list(&of_state(InFlight)).await[0].id, id);
        world.succeed(&id, n).await;
        assert_eq!(world.state(&id).await, Succeeded);
        assert_eq!(world.list(&of_state(InFlight)).await, []);
    }
}
