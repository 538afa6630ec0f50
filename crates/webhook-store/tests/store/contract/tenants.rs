//! Guarantees of tenants.

use webhook_model::DeliveryState::InFlight;
use webhook_model::{Rejected, Source};
use webhook_store::{DeliveryFilter, Depth, NextState, RejectedFilter, ReplayBodies};

use crate::world::{World, at, claimed, dead, due, endpoint, event, tenant_id};

pub async fn a_tenant_is_new_once(world: World) {
    let tenant = tenant_id("globex");
    assert!(world.store().put_tenant(&tenant).await.unwrap());
    assert!(!world.store().put_tenant(&tenant).await.unwrap());
    assert_eq!(
        world.store().endpoints(&tenant).await.unwrap().unwrap().1,
        []
    );
}

pub async fn tenants_are_listed_in_order_with_their_versions(world: World) {
    for id in ["zeta", "acme-2", "beta"] {
        world.store().put_tenant(&tenant_id(id)).await.unwrap();
    }
    let tenants = world.store().tenants().await.unwrap();
    let ids: Vec<&str> = tenants.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["acme", "acme-2", "beta", "zeta"]);
    for (id, version) in &tenants {
        assert_eq!(world.version(id).await, *version);
    }
}

pub async fn a_deleted_tenant_leaves_nothing(world: World) {
    let to = [
        claimed(&world.orders),
        due(&world.add("late").await, 50),
        dead(&world.add("off").await, "no"),
    ];
    let ids = world.plan(event("e"), &to, 1).await;
    world.plan(event("unwanted"), &[], 1).await;
    world.store().reject(&[rejected(&world)]).await.unwrap();

    assert!(world.store().delete_tenant(&world.acme).await.unwrap());
    assert!(!world.store().delete_tenant(&world.acme).await.unwrap());
    assert_eq!(world.store().tenants().await.unwrap(), []);
    assert_eq!(world.store().endpoints(&world.acme).await.unwrap(), None);
    assert_eq!(world.store().depth(at(99)).await.unwrap(), Depth::default());
    assert_eq!(world.due(99).await, (vec![], None));
    let all = world
        .store()
        .rejected(&RejectedFilter::All, None, 10)
        .await
        .unwrap();
    assert_eq!(all.items, []);

    // A recreated tenant has no data of the deleted one.
    world.store().put_tenant(&world.acme).await.unwrap();
    for id in &ids {
        assert_eq!(world.store().delivery(&world.acme, id).await.unwrap(), None);
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
    world.add("orders").await;
    let id = world.one(event("e"), claimed(&world.orders), 2).await;
    assert_eq!(id, ids[0]);
    world.succeed(&id, 3).await;
}

fn rejected(world: &World) -> Rejected {
    Rejected {
        id: "1-0".into(),
        tenant: Some(world.acme.clone()),
        source: Source::API,
        at: at(1),
        code: "bad-data".into(),
        reason: "not JSON".into(),
        fields: Vec::new(),
    }
}

pub async fn a_recreated_tenant_has_a_new_version(world: World) {
    let before = world.version(&world.acme).await;
    world.store().delete_tenant(&world.acme).await.unwrap();
    world.store().put_tenant(&world.acme).await.unwrap();
    world.add("other").await;
    assert_ne!(world.version(&world.acme).await, before);
}

pub async fn a_tenant_never_sees_data_of_another(world: World) {
    let globex = tenant_id("globex");
    world.store().put_tenant(&globex).await.unwrap();
    world.put(&endpoint(&globex, "orders")).await;
    let id = world.one(event("e"), due(&world.orders, 1), 1).await;

    assert_eq!(world.store().delivery(&globex, &id).await.unwrap(), None);
    assert_eq!(
        world.store().event(&globex, &event("e").id).await.unwrap(),
        None
    );
    for filter in [
        DeliveryFilter::default(),
        DeliveryFilter {
            delivery: Some(id.clone()),
            ..Default::default()
        },
        DeliveryFilter {
            event: Some(event("e").id),
            ..Default::default()
        },
        DeliveryFilter {
            endpoint: Some(world.orders.clone()),
            ..Default::default()
        },
    ] {
        let page = world
            .store()
            .deliveries(&globex, &filter, None, 10)
            .await
            .unwrap();
        assert_eq!(page.items, []);
        assert_eq!(
            world
                .store()
                .replay(&globex, &filter, ReplayBodies::Kept, at(2))
                .await
                .unwrap(),
            0
        );
    }
    let theirs = webhook_store::ClaimRequest {
        tenant: globex.clone(),
        endpoint: world.orders.clone(),
        limit: 10,
    };
    assert_eq!(
        world
            .store()
            .claim(&world.owner, &[theirs], at(2))
            .await
            .unwrap(),
        []
    );
    assert!(
        world
            .store()
            .delete_endpoint(&globex, &world.orders, at(2))
            .await
            .unwrap()
    );
    assert_eq!(world.claim_ids(2).await, std::slice::from_ref(&id));

    // An outcome under another tenant is rejected.
    let mut theirs = world.outcome(&world.get(&id).await, None, NextState::Succeeded);
    theirs.tenant = globex;
    assert_eq!(
        world
            .store()
            .complete(&world.owner, &[theirs], at(3))
            .await
            .unwrap(),
        [false]
    );
    assert_eq!(world.state(&id).await, InFlight);
}
