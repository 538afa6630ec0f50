//! Guarantees of lists of deliveries.

use webhook_model::DeliveryState::{Dead, InFlight, Pending, Succeeded};
use webhook_model::{DeliveryId, DeliveryState};
use webhook_store::DeliveryFilter;

use crate::world::{World, at, claimed, dead, due, event, of_delivery, of_state};

/// Creates two endpoints, and deliveries in every state, planned at 10, 20, ... in this order.
pub async fn sample(world: &World) -> Vec<(DeliveryId, DeliveryState)> {
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

pub async fn ids(world: &World, filter: &DeliveryFilter) -> Vec<DeliveryId> {
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
