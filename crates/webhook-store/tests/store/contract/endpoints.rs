//! Guarantees of endpoints, and of deliveries whose endpoint is deleted.

use std::time::Duration;

use webhook_model::DeliveryState::{Dead, InFlight, Pending, Succeeded};
use webhook_model::{DeliveryId, Endpoint, Handshake, Millis, Origin, Pattern, Retry, Secret};
use webhook_store::StoreError;

use crate::world::{World, at, claimed, due, endpoint, event, planned, tenant_id};

const DELETED: Option<&str> = Some("endpoint deleted");

pub async fn an_endpoint_is_stored_unchanged(world: World) {
    let mut old = Secret::new("an older secret of the endpoint").unwrap();
    old.expires_at = Some(at(9));
    let full = Endpoint {
        url: "https://example.com/ü?a=b".into(),
        events: vec![
            Pattern::parse("order.*").unwrap(),
            Pattern::parse("a.b").unwrap(),
        ],
        filter: Some("event.data.status == 'shipped'".into()),
        transform: Some("{'id': event.data.id}".into()),
        transform_component: Some("shape.wasm".into()),
        secrets: vec![
            Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap(),
            old,
        ],
        schemes: webhook_signature::Scheme::ALL.to_vec(),
        headers: [("X-Team".into(), "a \"b\"".into())].into(),
        rate_limit: Some(5),
        max_in_flight: Some(7),
        ordered: true,
        retry: Some(Retry {
            schedule: vec![Duration::ZERO, Duration::from_millis(1500)],
            jitter: 0.25,
        }),
        timeout: Some(Duration::from_secs(9)),
        enabled: false,
        disabled_reason: Some("responded 410".into()),
        handshake: Some(Handshake::Key),
        origin: Origin::Config,
        created_at: at(1),
        updated_at: at(2),
        failing_since: Some(Millis(3)),
        ..endpoint(&world.acme, "full")
    };
    let stored = world.put(&full).await;
    assert_eq!(
        world.find(&world.acme, &full.id).await,
        Some(stored.clone())
    );
    // It is replaced as a whole.
    let plain = world.put(&endpoint(&world.acme, "full")).await;
    assert_eq!(world.find(&world.acme, &full.id).await, Some(plain));
}

pub async fn endpoints_are_listed_in_order(world: World) {
    for id in ["z", "a-b", "a_b", "0", "ab"] {
        world.add(id).await;
    }
    let (_, endpoints) = world.store().endpoints(&world.acme).await.unwrap().unwrap();
    let ids: Vec<&str> = endpoints
        .iter()
        .map(|endpoint| endpoint.id.as_str())
        .collect();
    assert_eq!(ids, ["0", "a-b", "a_b", "ab", "orders", "z"]);
}

pub async fn the_version_goes_up_with_every_change(world: World) {
    let mut versions = vec![world.version(&world.acme).await];
    let stored = world.put(&endpoint(&world.acme, "b")).await;
    versions.push(stored.version);
    assert_eq!(world.version(&world.acme).await, stored.version);
    versions.push(world.put(&stored).await.version);
    assert_eq!(
        world.find(&world.acme, &stored.id).await.unwrap().version,
        versions[2]
    );
    world
        .store()
        .delete_endpoint(&world.acme, &stored.id, at(1))
        .await
        .unwrap();
    versions.push(world.version(&world.acme).await);
    assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");
    // A call without a change does not raise the version.
    world
        .store()
        .delete_endpoint(&world.acme, &stored.id, at(1))
        .await
        .unwrap();
    world.store().put_tenant(&world.acme).await.unwrap();
    assert_eq!(world.version(&world.acme).await, versions[3]);
}

pub async fn a_concurrent_change_of_an_endpoint_is_a_conflict(world: World) {
    let first = world.put(&endpoint(&world.acme, "b")).await;
    let second = world.put(&first).await;
    let absent = endpoint(&world.acme, "c");
    for (endpoint, over) in [
        (&second, None),
        (&second, Some(first.version)),
        (&second, Some(second.version + 1)),
        (&absent, Some(first.version)),
    ] {
        let conflict = world.store().put_endpoint(endpoint, over).await;
        let Err(StoreError::Conflict {
            tenant,
            endpoint: id,
        }) = conflict
        else {
            panic!("{conflict:?} over {over:?}");
        };
        assert_eq!((tenant, id), (world.acme.clone(), endpoint.id.clone()));
    }
    assert_eq!(world.version(&world.acme).await, second.version);
    world
        .store()
        .put_endpoint(&second, Some(second.version))
        .await
        .unwrap();
}

pub async fn an_endpoint_of_an_unknown_tenant_is_rejected(world: World) {
    let nobody = tenant_id("nobody");
    let refused = world
        .store()
        .put_endpoint(&endpoint(&nobody, "a"), None)
        .await;
    assert!(matches!(refused, Err(StoreError::UnknownTenant(id)) if id == nobody));
    assert!(
        !world
            .store()
            .delete_endpoint(&nobody, &world.orders, at(1))
            .await
            .unwrap()
    );
}

pub async fn a_deleted_endpoint_is_gone(world: World) {
    assert!(
        world
            .store()
            .delete_endpoint(&world.acme, &world.orders, at(1))
            .await
            .unwrap()
    );
    assert!(
        !world
            .store()
            .delete_endpoint(&world.acme, &world.orders, at(1))
            .await
            .unwrap()
    );
    assert_eq!(world.find(&world.acme, &world.orders).await, None);
}

async fn delete(world: &World, ms: u64) {
    assert!(
        world
            .store()
            .delete_endpoint(&world.acme, &world.orders, at(ms))
            .await
            .unwrap()
    );
}

pub async fn deleting_an_endpoint_buries_its_pending_deliveries(world: World) {
    let other = world.add("other").await;
    // More than a store processes in one step.
    let mut ids = Vec::new();
    for batch in 0..6 {
        let events = (0..200).map(|at| {
            planned(
                &world.acme,
                event(&format!("e{batch}-{at}")),
                &[due(&world.orders, at)],
            )
        });
        let events: Vec<_> = events.collect();
        ids.extend(events.iter().map(|event| event.deliveries[0].id.clone()));
        world.plan_as(&world.owner, &world.acme, events, 1).await;
    }
    let kept = world.one(event("kept"), due(&other, 5), 1).await;
    let ended = world.one(event("ended"), claimed(&world.orders), 1).await;
    world.succeed(&ended, 2).await;

    delete(&world, 9).await;
    for id in &ids {
        let delivery = world.get(id).await;
        assert_eq!(
            (delivery.state, delivery.reason.as_deref()),
            (Dead, DELETED)
        );
        assert_eq!(delivery.next_attempt_at, None);
        assert_eq!(delivery.endpoint, world.orders);
    }
    assert_eq!(world.states(&[kept, ended]).await, [Pending, Succeeded]);
    let depth = world.store().depth(at(99)).await.unwrap();
    assert_eq!((depth.pending, depth.dead), (1, ids.len() as u64));
    let (due, _) = world.due(99).await;
    assert_eq!(
        due.iter().map(|due| &due.endpoint).collect::<Vec<_>>(),
        [&other]
    );
}

/// Creates one delivery in flight to an endpoint that was deleted.
async fn orphan(world: &World) -> DeliveryId {
    let id = world.one(event("e"), claimed(&world.orders), 1).await;
    delete(world, 2).await;
    assert_eq!(world.state(&id).await, InFlight);
    id
}

pub async fn a_delivery_in_flight_to_a_deleted_endpoint_may_succeed(world: World) {
    let id = orphan(&world).await;
    world.succeed(&id, 3).await;
    assert_eq!(world.state(&id).await, Succeeded);
}

pub async fn a_delivery_in_flight_to_a_deleted_endpoint_is_not_retried(world: World) {
    let id = orphan(&world).await;
    world.retry(&id, 50, 3).await;
    let delivery = world.get(&id).await;
    assert_eq!(
        (delivery.state, delivery.reason.as_deref()),
        (Dead, DELETED)
    );
    assert_eq!(delivery.attempts.len(), 1);
}

pub async fn a_claim_returned_to_a_deleted_endpoint_is_buried(world: World) {
    let id = orphan(&world).await;
    world
        .store()
        .release_lease(&world.owner, at(3))
        .await
        .unwrap();
    let delivery = world.get(&id).await;
    assert_eq!(
        (delivery.state, delivery.reason.as_deref()),
        (Dead, DELETED)
    );
    assert_eq!(world.store().depth(at(3)).await.unwrap().dead, 1);
}

pub async fn a_recreated_endpoint_receives_new_deliveries(world: World) {
    let old = world.one(event("old"), due(&world.orders, 1), 1).await;
    delete(&world, 2).await;
    world.add("orders").await;
    assert!(!world.is_due(9).await);
    let new = world.one(event("new"), due(&world.orders, 3), 3).await;
    assert_eq!(world.claim_ids(9).await, [new]);
    assert_eq!(world.state(&old).await, Dead);
}
