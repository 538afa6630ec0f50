//! Tests on a cluster: each tenant has its own slot, and the shared keys another one.

use std::time::Duration;

use test_support::redis::{Fsync, RedisServer};
use test_support::with_timeout;
use webhook_model::{DeliveryState, Millis};
use webhook_store::{
    ClaimRequest, DeliveryFilter, InitialState, Leases, PlanBatch, PlanResult, Planned, Queries,
    Queue, RejectedFilter, ReplayBodies, Tenants,
};

use crate::world::{PLANNED, World, at, endpoint, endpoint_id, owner, planned, success, tenant};

/// Starts two nodes with half of the slots each.
async fn cluster() -> [RedisServer; 2] {
    let mut nodes = Vec::new();
    for slots in [["0", "8191"], ["8192", "16383"]] {
        let bus = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = bus.local_addr().unwrap().port().to_string();
        drop(bus);
        let arguments = ["--cluster-enabled", "yes", "--cluster-port", &port];
        let world = World {
            server: RedisServer::start_with(Fsync::EverySecond, &arguments).await,
        };
        world
            .command(&["CLUSTER", "ADDSLOTSRANGE", slots[0], slots[1]])
            .await;
        nodes.push((world, port));
    }
    let (second, bus) = &nodes[1];
    let port = second.server.port().to_string();
    nodes[0]
        .0
        .command(&["CLUSTER", "MEET", "127.0.0.1", &port, bus])
        .await;
    for (node, _) in &nodes {
        with_timeout(is_whole(node), || "the cluster".into()).await;
    }
    let servers: Vec<_> = nodes.into_iter().map(|(world, _)| world.server).collect();
    servers.try_into().ok().unwrap()
}

async fn is_whole(node: &World) {
    loop {
        let info: String =
            redis::from_redis_value(node.command(&["CLUSTER", "INFO"]).await).unwrap();
        if info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:2") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn tenants_all_over_a_cluster_are_served() {
    let [first, second] = cluster().await;
    let url = format!(
        "redis+cluster://{}?node={}",
        first.address(),
        second.address()
    );
    let world = World { server: first };
    let store = world.store_at(&url);
    let owner = owner("a");
    store
        .acquire_lease(&owner, at(0), at(10_000))
        .await
        .unwrap();
    let tenants: Vec<_> = (0..8)
        .map(|number| tenant(&format!("tenant-{number}")))
        .collect();
    let mut outcomes = Vec::new();
    for tenant in &tenants {
        store.put_tenant(tenant).await.unwrap();
        let version = store
            .put_endpoint(&endpoint(tenant, "orders"), None)
            .await
            .unwrap();
        let events = vec![
            planned(tenant, "now", "orders", InitialState::Claimed, 10),
            planned(tenant, "later", "orders", InitialState::Due(at(5)), 10),
        ];
        let batch = PlanBatch {
            tenant: tenant.clone(),
            version,
            fence: PLANNED,
            events,
            accepted: false,
        };
        let PlanResult::Done(planned) = store.plan(&owner, batch, at(1)).await.unwrap() else {
            panic!("it is not stale");
        };
        let Planned::New { claimed } = &planned[0] else {
            panic!("it is new")
        };
        outcomes.push(success(tenant, &claimed[0], "orders"));
    }
    assert_eq!(store.tenants().await.unwrap().len(), 8);
    assert_eq!(
        store.complete(&owner, &outcomes, at(2)).await.unwrap(),
        [true; 8]
    );
    assert_eq!(store.due(at(2)).await.unwrap(), (vec![], Some(at(5))));

    let (due, _) = store.due(at(5)).await.unwrap();
    assert_eq!(due.len(), 8);
    let request = |tenant: &webhook_model::TenantId| ClaimRequest {
        tenant: tenant.clone(),
        endpoint: endpoint_id("orders"),
        limit: 5,
    };
    let requests: Vec<_> = tenants.iter().map(request).collect();
    assert_eq!(
        store.claim(&owner, &requests, at(5)).await.unwrap().len(),
        8
    );
    // A cluster's client may repeat calls, so renewals look for claims that no caller received.
    store.renew(&owner, at(6), at(10_000)).await.unwrap();
    assert_eq!(store.depth(at(6)).await.unwrap().in_flight, 8);
    // Another owner ends the expired lease, not its own.
    assert_eq!(store.recover(&owner, at(10_001)).await.unwrap(), 0);
    let other = crate::world::owner("b");
    store
        .acquire_lease(&other, at(10_001), at(20_000))
        .await
        .unwrap();
    assert_eq!(store.recover(&other, at(10_001)).await.unwrap(), 8);
    assert_eq!(store.depth(at(10_001)).await.unwrap().pending, 8);

    let filter = DeliveryFilter {
        state: Some(DeliveryState::Succeeded),
        ..Default::default()
    };
    for tenant in &tenants {
        assert_eq!(
            store
                .replay(tenant, &filter, ReplayBodies::Kept, at(10_002))
                .await
                .unwrap(),
            1
        );
        assert!(store.delete_tenant(tenant).await.unwrap());
    }
    assert_eq!(
        store
            .rejected(&RejectedFilter::All, None, 9)
            .await
            .unwrap()
            .items,
        []
    );
    assert!(!store.prune(Millis::NEVER, Millis::NEVER).await.unwrap());
    store.release_lease(&owner, at(10_003)).await.unwrap();
}
