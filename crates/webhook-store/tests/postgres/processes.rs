//! Stores of several processes.

use test_support::with_timeout;
use webhook_store::{Counters, InitialState, Interval, Queries, Queue, StoreError};

use crate::world::{
    acme, at, delivery_id, event, open, owner, plan, planned, request, set_up, shared, success,
};
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outcome_whose_recording_got_no_reply_is_counted_once() {
    let url = shared().await;
    // The second store takes the place of the call whose reply was lost.
    let (store, lost) = (open(&url).await, open(&url).await);
    let a = owner("a");
    set_up(&store, &a).await;
    let events = vec![planned(event("e"), InitialState::Claimed)];
    let fence = plan(&store, &a, events).await.unwrap();
    let outcome = [success(delivery_id("e"), fence)];
    lost.complete(&a, &outcome, at(2)).await.unwrap();
    for _ in 0..2 {
        let recorded = store.complete(&a, &outcome, at(3)).await;
        assert_eq!(recorded.unwrap(), [true]);
    }
    store.write_counts().await.unwrap();
    let sums = store.tenant_stats(&acme(), Interval::Hour, at(0)).await;
    assert_eq!(Counters::total(&sums.unwrap().unwrap()).succeeded, 1);
}
