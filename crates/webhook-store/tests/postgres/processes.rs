//! Stores of several processes.

use test_support::with_timeout;
use webhook_store::{InitialState, Queue, StoreError};

use crate::world::{at, event, open, owner, plan, planned, request, set_up, shared};
use webhook_store::Leases;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_of_another_process_wakes_this_one() {
    let url = shared().await;
    let (one, other) = (open(&url).await, open(&url).await);
    let (a, b) = (owner("a"), owner("b"));
    set_up(&one, &a).await;
    other.acquire_lease(&b, at(0), at(1_000_000)).await.unwrap();
    for n in 0..3 {
        let events = vec![planned(event(&format!("e{n}")), InitialState::Due(at(1)))];
        plan(&one, &a, events).await.unwrap();
        let claimed = async {
            loop {
                let claims = other.claim(&b, &[request(10)], at(2)).await.unwrap();
                if !claims.is_empty() {
                    return claims.len();
                }
                other.wait_for_work().await;
            }
        };
        assert_eq!(with_timeout(claimed, || "a wake".into()).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_never_claim_the_same_delivery() {
    let url = shared().await;
    let (one, other) = (open(&url).await, open(&url).await);
    let (a, b) = (owner("a"), owner("b"));
    set_up(&one, &a).await;
    other.acquire_lease(&b, at(0), at(1_000_000)).await.unwrap();
    let event = |n| planned(event(&format!("e{n}")), InitialState::Due(at(1)));
    plan(&one, &a, (0..500).map(event).collect()).await.unwrap();
    let drain = async |store: &webhook_store::postgres::PostgresStore, owner| {
        let mut ids = Vec::new();
        loop {
            let claims = store.claim(owner, &[request(7)], at(2)).await.unwrap();
            if claims.is_empty() {
                return ids;
            }
            ids.extend(claims.into_iter().map(|claim| claim.id));
        }
    };
    let (ours, theirs) = tokio::join!(drain(&one, &a), drain(&other, &b));
    let mut all = [ours, theirs].concat();
    // A claim skips deliveries that the other process is claiming: some may be left.
    all.extend(drain(&one, &a).await);
    assert_eq!(all.len(), 500);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 500, "each once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_whose_lease_another_process_ended_claims_nothing() {
    let url = shared().await;
    let (one, other) = (open(&url).await, open(&url).await);
    let (a, b) = (owner("a"), owner("b"));
    set_up(&one, &a).await;
    other.acquire_lease(&b, at(0), at(9_000_000)).await.unwrap();
    let events = vec![planned(event("e"), InitialState::Claimed)];
    plan(&one, &a, events).await.unwrap();
    assert_eq!(other.recover(&b, at(2_000_000)).await.unwrap(), 1);
    // The first process does not know yet.
    let refused = one.claim(&a, &[request(1)], at(2_000_001)).await;
    assert!(
        matches!(refused, Err(StoreError::LeaseLost(_))),
        "{refused:?}"
    );
    let events = vec![planned(event("f"), InitialState::Claimed)];
    let refused = plan(&one, &a, events).await;
    assert!(
        matches!(refused, Err(StoreError::LeaseLost(_))),
        "{refused:?}"
    );
    let claims = other
        .claim(&b, &[request(10)], at(2_000_002))
        .await
        .unwrap();
    assert_eq!(claims.len(), 1, "the second event was not kept");
}
