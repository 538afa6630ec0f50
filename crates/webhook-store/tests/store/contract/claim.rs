//! Guarantees of due deliveries and claims.

use std::collections::HashSet;

use bytes::Bytes;
use webhook_model::DeliveryState::InFlight;
use webhook_model::{EndpointId, Millis};
use webhook_store::{ClaimRequest, DueEndpoint, NextState};

use crate::world::{
    To, World, at, claimed, due, endpoint, endpoint_id, event, failure, planned, sender, tenant_id,
};

fn shown(due: &[DueEndpoint]) -> Vec<(&str, &str, Millis)> {
    let mut rows: Vec<_> = due
        .iter()
        .map(|due| (due.tenant.as_str(), due.endpoint.as_str(), due.at))
        .collect();
    rows.sort();
    rows
}

/// Plans `count` deliveries to `orders` that are due from `first` on, one per millisecond.
async fn several(world: &World, count: u64, first: u64) -> Vec<webhook_model::DeliveryId> {
    let mut ids = Vec::new();
    for n in 0..count {
        let due = due(&world.orders, first + n);
        ids.push(world.one(event(&format!("e{first}-{n}")), due, 1).await);
    }
    ids
}

pub async fn nothing_is_due_before_its_time(world: World) {
    assert_eq!(world.due(0).await, (vec![], None));
    several(&world, 3, 10).await;
    assert_eq!(world.due(9).await, (vec![], Some(at(10))));
    assert!(world.is_due(10).await);
}

pub async fn due_returns_each_endpoint_once_with_its_due_time(world: World) {
    let other = world.add("other").await;
    let late = world.add("late").await;
    let globex = tenant_id("globex");
    world.store().put_tenant(&globex).await.unwrap();
    world.put(&endpoint(&globex, "orders")).await;
    several(&world, 5, 10).await;
    world.one(event("a"), due(&other, 12), 1).await;
    world.one(event("b"), due(&other, 11), 1).await;
    world.one(event("c"), due(&late, 99), 1).await;
    let theirs = planned(&globex, event("a"), &[due(&world.orders, 5)]);
    world.plan_as(&world.owner, &globex, vec![theirs], 1).await;
    let (due, next) = world.due(20).await;
    let expected = [
        ("acme", "orders", at(10)),
        ("acme", "other", at(11)),
        ("globex", "orders", at(5)),
    ];
    assert_eq!((shown(&due), next), (expected.into(), Some(at(99))));
}

pub async fn due_returns_the_next_due_time(world: World) {
    let other = world.add("other").await;
    several(&world, 3, 10).await;
    several(&world, 1, 50).await;
    world.one(event("a"), due(&other, 60), 1).await;
    for (now, next) in [
        (9, Some(10)),
        (10, Some(11)),
        (11, Some(12)),
        (12, Some(50)),
        (50, Some(60)),
        (60, None),
    ] {
        assert_eq!(world.due(now).await.1, next.map(at), "at {now}");
    }
    // Also after new deliveries while one is due, and after a retry.
    world.one(event("b"), due(&world.orders, 70), 1).await;
    assert_eq!(world.due(61).await.1, Some(at(70)));
    let claims = world.claim(&other, 1, 61).await;
    world.retry(&claims[0].id, 65, 61).await;
    assert_eq!(world.due(61).await.1, Some(at(65)));
    // And after the clock went back.
    assert_eq!(world.due(10).await.1, Some(at(11)));
}

pub async fn thousands_of_endpoints_are_due_at_once(world: World) {
    const MANY: usize = 5000;
    let all: Vec<_> = (0..MANY)
        .map(|n| endpoint(&world.acme, &format!("e{n}")))
        .collect();
    let puts = all
        .iter()
        .map(|endpoint| world.store().put_endpoint(endpoint, None));
    futures::future::try_join_all(puts).await.unwrap();
    let to: Vec<_> = all.iter().map(|endpoint| due(&endpoint.id, 10)).collect();
    world.plan(event("e"), &to, 1).await;
    let (due, next) = world.due(10).await;
    assert_eq!((due.len(), next), (MANY, None));
    let different: HashSet<_> = due.iter().map(|due| &due.endpoint).collect();
    assert_eq!(different.len(), MANY);
    let requests: Vec<_> = all
        .iter()
        .map(|endpoint| world.ask(&endpoint.id, 1))
        .collect();
    let claims = world.store().claim(&world.owner, &requests, at(10)).await;
    assert_eq!(claims.unwrap().len(), MANY);
    assert_eq!(world.due(10).await, (vec![], None));
}

pub async fn a_claimed_delivery_is_no_longer_due(world: World) {
    several(&world, 3, 10).await;
    assert_eq!(world.claim(&world.orders, 2, 20).await.len(), 2);
    assert_eq!(world.due(20).await.0[0].at, at(12));
    assert_eq!(world.claim(&world.orders, 2, 20).await.len(), 1);
    assert_eq!(world.due(20).await, (vec![], None));
}

pub async fn no_more_is_claimed_than_the_limit(world: World) {
    let other = world.add("other").await;
    several(&world, 10, 1).await;
    for n in 0..10 {
        world.one(event(&format!("o{n}")), due(&other, 1), 1).await;
    }
    assert_eq!(world.claim(&world.orders, 0, 50).await, []);
    let requests = [
        world.ask(&world.orders, 3),
        world.ask(&other, 4),
        world.ask(&endpoint_id("none"), 5),
    ];
    let claims = world
        .store()
        .claim(&world.owner, &requests, at(50))
        .await
        .unwrap();
    let count = |endpoint: &EndpointId| {
        claims
            .iter()
            .filter(|claim| claim.endpoint == *endpoint)
            .count()
    };
    assert_eq!(
        (count(&world.orders), count(&other), claims.len()),
        (3, 4, 7)
    );
    assert_eq!(world.claim(&world.orders, 100, 50).await.len(), 7);
    assert_eq!(
        world
            .store()
            .claim(&world.owner, &[], at(50))
            .await
            .unwrap(),
        []
    );
}

pub async fn the_longest_due_is_claimed_first(world: World) {
    for (id, ms) in [("c", 30), ("a", 10), ("d", 40), ("b", 20)] {
        world.one(event(id), due(&world.orders, ms), 1).await;
    }
    let due: Vec<Millis> = world
        .claim(&world.orders, 3, 99)
        .await
        .iter()
        .map(|claim| claim.due)
        .collect();
    assert_eq!(due, [at(10), at(20), at(30)]);
}

pub async fn nothing_is_claimed_before_its_time(world: World) {
    let ids = several(&world, 3, 10).await;
    assert_eq!(world.claim_ids(9).await, []);
    assert_eq!(world.claim_ids(11).await, ids[..2]);
    assert_eq!(world.claim_ids(11).await, []);
    assert_eq!(world.claim_ids(12).await, ids[2..]);
}

pub async fn only_requested_endpoints_are_claimed(world: World) {
    let other = world.add("other").await;
    let globex = tenant_id("globex");
    world.store().put_tenant(&globex).await.unwrap();
    world.put(&endpoint(&globex, "orders")).await;
    let ours = several(&world, 1, 1).await;
    let of_other = world.one(event("a"), due(&other, 1), 1).await;
    let theirs = planned(&globex, event("e1-0"), &[due(&world.orders, 1)]);
    world
        .plan_as(&world.owner, &globex, vec![theirs.clone()], 1)
        .await;
    assert_eq!(world.claim_ids(9).await, ours);
    let request = ClaimRequest {
        tenant: globex,
        endpoint: world.orders.clone(),
        limit: 9,
    };
    let claims = world
        .store()
        .claim(&world.owner, std::slice::from_ref(&request), at(9))
        .await
        .unwrap();
    assert_eq!((claims.len(), &claims[0].id), (1, &theirs.deliveries[0].id));
    assert_eq!(claims[0].tenant, request.tenant);
    assert_eq!(world.claim(&other, 9, 9).await[0].id, of_other);
}

pub async fn nothing_is_claimed_twice(world: World) {
    several(&world, 50, 1).await;
    let second = sender("second");
    world
        .store()
        .acquire_lease(&second, at(1), at(1_000))
        .await
        .unwrap();
    let mut seen = HashSet::new();
    for round in 0..20 {
        let owner = if round % 2 == 0 {
            &world.owner
        } else {
            &second
        };
        for claim in world.claim_as(owner, &world.orders, 4, 99).await {
            assert!(seen.insert(claim.id));
        }
    }
    assert_eq!(seen.len(), 50);
}

pub async fn a_disabled_endpoint_has_no_due_deliveries(world: World) {
    let other = world.add("other").await;
    several(&world, 3, 10).await;
    world.one(event("a"), due(&other, 30), 1).await;
    world.enable(&world.orders, false).await;
    assert_eq!(world.due(20).await, (vec![], Some(at(30))));
    assert_eq!(world.claim_ids(20).await, []);
    // Also after new deliveries, and after a failure of one in flight.
    several(&world, 1, 15).await;
    let flying = world.one(event("f"), claimed(&world.orders), 16).await;
    world.retry(&flying, 17, 16).await;
    assert_eq!(world.due(20).await, (vec![], Some(at(30))));
    let depth = world.store().depth(at(20)).await.unwrap();
    assert_eq!((depth.pending, depth.oldest_due), (6, None));
}

pub async fn deliveries_of_an_enabled_endpoint_are_due_again(mut world: World) {
    let ids = several(&world, 3, 10).await;
    world.enable(&world.orders, false).await;
    world.restart(11).await;
    assert_eq!(world.due(20).await, (vec![], None));
    world.enable(&world.orders, true).await;
    assert_eq!(shown(&world.due(20).await.0), [("acme", "orders", at(10))]);
    assert_eq!(world.claim_ids(20).await, ids);
}

pub async fn a_claim_has_all_data_for_an_attempt(world: World) {
    let body = Bytes::from_static(b"{\"shaped\":true}");
    let to = To {
        body: Some(body.clone()),
        ..due(&world.orders, 5)
    };
    let id = world.one(event("e"), to, 1).await;
    let claim = world.claim(&world.orders, 1, 9).await.remove(0);
    assert_eq!(
        (&claim.tenant, &claim.endpoint, &claim.id),
        (&world.acme, &world.orders, &id)
    );
    assert_eq!(
        (claim.event, claim.body, claim.attempts_made, claim.due),
        (event("e").id, body, 0, at(5))
    );
    world.retry(&id, 20, 9).await;
    let claim = world.claim(&world.orders, 1, 25).await.remove(0);
    assert_eq!((claim.attempts_made, claim.due), (1, at(20)));
    assert!(
        world
            .complete(&id, Some(failure(26)), NextState::Due(at(30)), 26)
            .await
    );
    assert_eq!(world.claim(&world.orders, 1, 30).await[0].attempts_made, 2);
}

pub async fn concurrent_claims_never_overlap(world: World) {
    let ids = several(&world, 100, 1).await;
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let (store, owner, request) = (
                world.store().clone(),
                world.owner.clone(),
                world.ask(&world.orders, 3),
            );
            tokio::spawn(async move {
                let mut ids = Vec::new();
                loop {
                    let claims = store
                        .claim(&owner, std::slice::from_ref(&request), at(500))
                        .await
                        .unwrap();
                    if claims.is_empty() {
                        return ids;
                    }
                    ids.extend(claims.into_iter().map(|claim| claim.id));
                }
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    assert_eq!(all.len(), 100);
    assert_eq!(all.iter().collect::<HashSet<_>>(), ids.iter().collect());
    assert_eq!(world.state(&ids[0]).await, InFlight);
}
