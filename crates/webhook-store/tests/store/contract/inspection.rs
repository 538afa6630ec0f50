//! Guarantees of what is kept of attempts, and of filters.

use webhook_model::DeliveryState::{Dead, Succeeded};
use webhook_model::{Attempt, DeliveryId, Event};
use webhook_store::{DeliveryFilter, MAX_EXAMINED, NextState, StatusFilter};

use crate::world::{
    World, at, claimed, dead, due, event, exchange, failure, listed, of_delivery, of_state,
    planned, success,
};

async fn ids(world: &World, filter: &DeliveryFilter) -> Vec<DeliveryId> {
    let found = world.list(filter).await;
    found.into_iter().map(|delivery| delivery.id).collect()
}

fn of_status(text: &str) -> DeliveryFilter {
    DeliveryFilter {
        status: Some(text.parse().unwrap()),
        ..DeliveryFilter::default()
    }
}

fn of_kind(kind: &str) -> DeliveryFilter {
    DeliveryFilter {
        kind: Some(kind.into()),
        ..DeliveryFilter::default()
    }
}

fn attempt(status: Option<u16>, ms: u64) -> Attempt {
    Attempt {
        status,
        ..failure(ms)
    }
}

/// Plans a delivery of an event of that type, whose attempts end with these statuses.
async fn with_statuses(
    world: &World,
    id: &str,
    kind: &str,
    statuses: &[Option<u16>],
) -> DeliveryId {
    let new = Event {
        kind: kind.into(),
        ..event(id)
    };
    let id = world.one(new, due(&world.orders, 1), 1).await;
    for status in statuses {
        assert_eq!(world.claim_ids(2).await, std::slice::from_ref(&id));
        let next = match status {
            Some(200..=299) => NextState::Succeeded,
            _ => NextState::Due(at(2)),
        };
        assert!(
            world
                .complete(&id, Some(attempt(*status, 1)), next, 2)
                .await
        );
    }
    if world.state(&id).await != Succeeded {
        // Not due any more for the next one.
        assert_eq!(world.claim_ids(2).await, std::slice::from_ref(&id));
        assert!(
            world
                .complete(&id, None, NextState::Due(at(9_999_999)), 2)
                .await
        );
    }
    id
}

pub async fn requests_and_responses_are_kept_byte_for_byte(world: World) {
    let id = world.one(event("e"), claimed(&world.orders), 1).await;
    let body: Vec<u8> = (0..=255).cycle().take(64 * 1024).collect();
    let large = Attempt {
        exchange: exchange(&body),
        ..failure(1)
    };
    let attempts = [large, success(2), failure(3)];
    for attempt in &attempts {
        let next = NextState::Due(at(3));
        assert!(world.complete(&id, Some(attempt.clone()), next, 3).await);
        let claim = world.claim(&world.orders, 1, 3).await.remove(0);
        assert_eq!((&claim.id, claim.body), (&id, event("e").data));
    }
    assert_eq!(world.get(&id).await.attempts, attempts);
    let shown = world.list(&of_delivery(&id)).await.remove(0);
    assert_eq!(shown.attempts, attempts.map(listed));
}

pub async fn a_body_is_returned_byte_for_byte(world: World) {
    let other = world.add("other").await;
    let mut own = due(&other, 9);
    own.body = Some(b"\0\xffbody".to_vec().into());
    let ids = world
        .plan(event("e"), &[due(&world.orders, 9), own], 1)
        .await;
    let body = async |id: &DeliveryId| world.store().delivery_body(&world.acme, id).await.unwrap();
    assert_eq!(body(&ids[0]).await, Some(event("e").data));
    assert_eq!(body(&ids[1]).await.unwrap(), &b"\0\xffbody"[..]);
    let unknown = DeliveryId::of(&world.acme, &event("f").id, &world.orders);
    assert_eq!(body(&unknown).await, None);
}

pub async fn deliveries_are_selected_by_type_and_last_status(world: World) {
    let ok = with_statuses(&world, "ok", "a", &[Some(500), Some(200)]).await;
    let down = with_statuses(&world, "down", "a", &[Some(200 + 300), Some(503)]).await;
    let gone = with_statuses(&world, "gone", "b", &[Some(404)]).await;
    let lost = with_statuses(&world, "lost", "b", &[Some(500), None]).await;
    let new = with_statuses(&world, "new", "b", &[]).await;
    for (text, found) in [
        ("2xx", &ok),
        ("200", &ok),
        ("503", &down),
        ("5xx", &down),
        ("4xx", &gone),
        ("none", &lost),
    ] {
        assert_eq!(
            ids(&world, &of_status(text)).await,
            std::slice::from_ref(found),
            "{text}"
        );
    }
    assert_eq!(ids(&world, &of_status("3xx")).await, []);
    assert_eq!(ids(&world, &of_status("500")).await, []);
    let in_order = [new, lost.clone(), gone];
    assert_eq!(ids(&world, &of_kind("b")).await, in_order);
    assert_eq!(ids(&world, &of_kind("c")).await, []);
    let both = DeliveryFilter {
        kind: Some("a".into()),
        endpoint: Some(world.orders.clone()),
        ..of_status("5xx")
    };
    assert_eq!(ids(&world, &both).await, [down]);
    let other = DeliveryFilter {
        endpoint: Some(world.add("other").await),
        ..both
    };
    assert_eq!(ids(&world, &other).await, []);
    let missing = DeliveryFilter {
        status: Some(StatusFilter::Missing),
        ..of_delivery(&lost)
    };
    assert_eq!(ids(&world, &missing).await, [lost]);
}

pub async fn a_delivery_of_a_rare_type_is_found_in_bounded_pages(world: World) {
    let rare = Event {
        kind: "rare".into(),
        ..event("rare")
    };
    let rare = world.one(rare, dead(&world.orders, "no"), 1).await;
    let count = MAX_EXAMINED + MAX_EXAMINED / 2;
    for part in 0..5 {
        let of_part = |n| event(&format!("e{part}-{n}"));
        let many =
            (0..count / 5).map(|n| planned(&world.acme, of_part(n), &[dead(&world.orders, "no")]));
        world
            .plan_as(&world.owner, &world.acme, many.collect(), 2)
            .await;
    }
    for filter in [
        of_kind("rare"),
        DeliveryFilter {
            kind: Some("rare".into()),
            ..of_state(Dead)
        },
    ] {
        let page = async |cursor: Option<&_>| {
            let page = world
                .store()
                .deliveries(&world.acme, &filter, cursor, 50)
                .await;
            page.unwrap()
        };
        let first = page(None).await;
        assert_eq!(first.items, []);
        let second = page(first.next_cursor.as_ref()).await;
        assert_eq!(second.items.len(), 1);
        assert_eq!((&second.items[0].id, second.next_cursor), (&rare, None));
        // A replay and its count go through all of them.
        assert_eq!(world.count_replayable(&filter).await, 1);
        assert_eq!(world.replay(&filter, 5).await, 1);
        assert_eq!(world.claim_ids(5).await, std::slice::from_ref(&rare));
        world.bury(&rare, 6).await;
    }
}

pub async fn a_dry_run_counts_what_a_replay_would_make_due(world: World) {
    let other = world.add("other").await;
    let gone = world.add("gone").await;
    let to = [
        dead(&world.orders, "no"),
        dead(&other, "no"),
        dead(&gone, "no"),
    ];
    for n in 0..3 {
        world.plan(event(&format!("e{n}")), &to, 1).await;
    }
    world.one(event("pending"), due(&world.orders, 9), 1).await;
    let deleted = world.store().delete_endpoint(&world.acme, &gone, at(2));
    assert!(deleted.await.unwrap());
    let count = async |filter: &DeliveryFilter| world.count_replayable(filter).await;
    let of_other = DeliveryFilter {
        endpoint: Some(other),
        ..of_state(Dead)
    };
    let before = world.list(&DeliveryFilter::default()).await;
    for filter in [of_other, of_state(Dead), DeliveryFilter::default()] {
        let counted = count(&filter).await;
        assert_eq!(
            world.list(&DeliveryFilter::default()).await.len(),
            before.len()
        );
        assert!(counted > 0);
        assert_eq!(world.replay(&filter, 3).await, counted);
        assert_eq!(count(&filter).await, 0);
        if filter.state.is_none() {
            break;
        }
        for claim in world.claim(&world.orders, 9, 3).await {
            world.bury(&claim.id, 3).await;
        }
    }
}
