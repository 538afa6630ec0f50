//! Guarantees of planning events.

use bytes::Bytes;
use webhook_model::DeliveryState::{Dead, InFlight, Pending};
use webhook_model::{Event, Source, TenantId};
use webhook_store::{
    DeliveryFilter, Fence, PlanBatch, PlanResult, Planned, PlannedEvent, StoreError,
};

use crate::world::{
    To, World, at, claimed, dead, due, event, event_id, planned, success, tenant_id,
};

pub(super) fn batch(tenant: &TenantId, version: u64, events: Vec<PlannedEvent>) -> PlanBatch {
    PlanBatch {
        fence: Fence::new(at(0)),
        tenant: tenant.clone(),
        version,
        events,
        accepted: false,
    }
}

pub async fn an_event_is_stored_unchanged(world: World) {
    let full = Event {
        id: event_id("evt_1:2/3"),
        kind: "order.shipped.v2".into(),
        data: Bytes::from_static(b" { \"a\" : 1.0 }\n"),
        at: at(77),
        ordering_key: Some("käse".into()),
        source: Source::named("orders"),
    };
    let bare = Event {
        ordering_key: None,
        ..event("bare")
    };
    let empty = Event {
        ordering_key: Some(String::new()),
        ..event("empty")
    };
    for event in [full, bare, empty] {
        let id = world.one(event.clone(), due(&world.orders, 5), 1).await;
        assert_eq!(
            world
                .store()
                .event(&world.acme, &event.id)
                .await
                .unwrap()
                .as_ref(),
            Some(&event)
        );
        let delivery = world.get(&id).await;
        assert_eq!((delivery.event, delivery.kind), (event.id, event.kind));
    }
    assert_eq!(
        world
            .store()
            .event(&world.acme, &event_id("none"))
            .await
            .unwrap(),
        None
    );
}

pub async fn a_stale_version_keeps_nothing(world: World) {
    let version = world.version(&world.acme).await;
    world.add("other").await;
    for wrong in [version, version + 2, 0] {
        let events = vec![planned(&world.acme, event("e"), &[claimed(&world.orders)])];
        let result = world
            .store()
            .plan(&world.owner, batch(&world.acme, wrong, events), at(1))
            .await;
        assert_eq!(result.unwrap(), PlanResult::Stale);
    }
    assert_eq!(world.list(&DeliveryFilter::default()).await, []);
    assert_eq!(
        world
            .store()
            .event(&world.acme, &event("e").id)
            .await
            .unwrap(),
        None
    );
    // Planned again, it is new.
    world.one(event("e"), claimed(&world.orders), 1).await;
}

pub async fn an_unknown_tenant_is_rejected(world: World) {
    let nobody = tenant_id("nobody");
    let events = vec![planned(&nobody, event("e"), &[])];
    let refused = world
        .store()
        .plan(&world.owner, batch(&nobody, 1, events), at(1))
        .await;
    assert!(
        matches!(&refused, Err(StoreError::UnknownTenant(id)) if *id == nobody),
        "{refused:?}"
    );
}

pub async fn a_delivery_that_starts_claimed_is_in_flight(world: World) {
    let other = world.add("other").await;
    let event = planned(
        &world.acme,
        event("e"),
        &[claimed(&world.orders), due(&other, 1)],
    );
    let id = event.deliveries[0].id.clone();
    let result = world
        .plan_as(&world.owner, &world.acme, vec![event], 1)
        .await;
    assert_eq!(
        result,
        [Planned::New {
            claimed: vec![id.clone()]
        }]
    );
    let delivery = world.get(&id).await;
    assert_eq!((delivery.state, delivery.next_attempt_at), (InFlight, None));
    assert_eq!(delivery.created_at, at(1));
    assert_eq!(world.claim(&world.orders, 10, 9).await, []);
    assert!(
        world
            .complete(
                &id,
                Some(success(2)),
                webhook_store::NextState::Succeeded,
                2
            )
            .await
    );
}

pub async fn a_delivery_that_starts_due_is_due_at_its_time(world: World) {
    let id = world.one(event("e"), due(&world.orders, 70), 1).await;
    let delivery = world.get(&id).await;
    assert_eq!(
        (delivery.state, delivery.next_attempt_at),
        (Pending, Some(at(70)))
    );
    assert_eq!(world.due(69).await, (vec![], Some(at(70))));
    assert_eq!(world.claim_ids(70).await, [id]);
}

pub async fn a_delivery_that_starts_dead_is_dead(world: World) {
    let id = world
        .one(event("e"), dead(&world.orders, "filter: no such key"), 1)
        .await;
    let delivery = world.get(&id).await;
    assert_eq!((delivery.state, delivery.next_attempt_at), (Dead, None));
    assert_eq!(delivery.reason.as_deref(), Some("filter: no such key"));
    assert_eq!(delivery.attempts, []);
    assert_eq!(world.due(9).await, (vec![], None));
    // It has a body for a replay.
    let filter = crate::world::of_delivery(&id);
    assert_eq!(world.replay(&filter, 5).await, 1);
    assert_eq!(
        world.claim(&world.orders, 1, 5).await[0].body,
        event("e").data
    );
}

pub async fn an_event_without_deliveries_is_known(world: World) {
    assert_eq!(world.plan(event("e"), &[], 1).await, []);
    let again = planned(&world.acme, event("e"), &[claimed(&world.orders)]);
    let result = world
        .plan_as(&world.owner, &world.acme, vec![again], 2)
        .await;
    assert_eq!(result, [Planned::Known]);
    assert_eq!(world.list(&DeliveryFilter::default()).await, []);
}

pub async fn an_empty_batch_is_planned(world: World) {
    assert_eq!(
        world.plan_as(&world.owner, &world.acme, vec![], 1).await,
        []
    );
}

pub async fn returned_results_survive_a_restart(mut world: World) {
    let due_at_5 = world.one(event("due"), due(&world.orders, 5), 1).await;
    let in_flight = world.one(event("flying"), claimed(&world.orders), 1).await;
    let ended = world.one(event("ended"), claimed(&world.orders), 1).await;
    world.succeed(&ended, 2).await;
    let buried = world.one(event("buried"), claimed(&world.orders), 1).await;
    world.bury(&buried, 3).await;
    let endpoints = world.store().endpoints(&world.acme).await.unwrap();
    let done = [
        world.get(&ended).await,
        world.get(&buried).await,
        world.get(&due_at_5).await,
    ];
    let before = world.owner.clone();

    world.restart(4).await;
    assert_eq!(
        world.store().endpoints(&world.acme).await.unwrap(),
        endpoints
    );
    assert_eq!(
        [
            world.get(&ended).await,
            world.get(&buried).await,
            world.get(&due_at_5).await
        ],
        done
    );
    // The delivery in flight is due at once; outcomes of the earlier run are rejected.
    assert!(
        !world
            .complete_as(
                &before,
                &in_flight,
                None,
                webhook_store::NextState::Succeeded,
                4
            )
            .await
    );
    assert_eq!(world.claim_ids(4).await, [in_flight]);
    assert_eq!(world.claim_ids(5).await, [due_at_5]);
    let depth = world.store().depth(at(5)).await.unwrap();
    assert_eq!((depth.pending, depth.in_flight, depth.dead), (0, 2, 1));
    let again = planned(&world.acme, event("ended"), &[claimed(&world.orders)]);
    let result = world
        .plan_as(&world.owner, &world.acme, vec![again], 6)
        .await;
    assert_eq!(result, [Planned::Known]);
}

pub async fn bodies_are_kept_byte_for_byte(world: World) {
    let all: Bytes = (0..=255).collect::<Vec<u8>>().into();
    let large: Bytes = (0..1 << 20)
        .map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect::<Vec<u8>>()
        .into();
    let bodies = [
        Bytes::new(),
        all.clone(),
        Bytes::from_static(b"\xff\xfe\0\r\n"),
        large.clone(),
    ];
    for (n, body) in bodies.iter().enumerate() {
        // One with its own body, one with the event's data.
        let own = To {
            body: Some(body.clone()),
            ..due(&world.orders, 1)
        };
        let same = Event {
            data: body.clone(),
            ..event(&format!("same{n}"))
        };
        world.one(event(&format!("own{n}")), own, 1).await;
        world.one(same.clone(), due(&world.orders, 1), 1).await;
        let claims = world.claim(&world.orders, 10, 1).await;
        assert_eq!(claims.len(), 2);
        assert!(claims.iter().all(|claim| claim.body == *body), "body {n}");
        let kept = world
            .store()
            .event(&world.acme, &same.id)
            .await
            .unwrap()
            .unwrap();
        assert!(kept.data == *body, "event {n}");
    }
}
