//! The contract of every deduplication store, and properties of the one in memory.

use std::time::Duration;

use test_support::redis::{Fsync, RedisServer};
use tokio::task::JoinSet;
use webhook_signature::tower::{Claim, DedupStore, MemoryIds, RedisIds, Ticket};

use super::sender::NOW;

/// Runs each test of the contract with each store.
macro_rules! contract {
    ($($test:ident)*) => {
        mod in_memory {
            $(#[tokio::test]
            async fn $test() {
                super::$test(super::MemoryIds::new(100)).await;
            })*
        }
        mod in_redis {
            $(#[tokio::test]
            async fn $test() {
                let server = super::RedisServer::start(super::Fsync::EverySecond).await;
                let store = super::RedisIds::connect(&server.url()).await.unwrap();
                super::$test(store).await;
            })*
        }
    };
}

contract! {
    an_id_is_granted_once_and_done_after_completion
    of_many_concurrent_claims_one_is_granted
    a_dropped_ticket_releases_the_id
    completion_takes_effect_even_if_its_future_is_dropped
    ids_are_independent
}

/// Returns the result of a claim as a text that a test can compare.
pub async fn outcome(store: &impl DedupStore, id: &str) -> &'static str {
    match store.claim(id, NOW).await.expect("the store responds") {
        Claim::Granted(_) => "granted",
        Claim::InProgress => "in progress",
        Claim::Done => "done",
    }
}

pub async fn granted(store: &impl DedupStore, id: &str) -> Box<dyn Ticket> {
    match store.claim(id, NOW).await.expect("the store responds") {
        Claim::Granted(ticket) => ticket,
        Claim::InProgress => panic!("`{id}` is in progress"),
        Claim::Done => panic!("`{id}` is done"),
    }
}

/// Claims `id` until no other claim exists: the task that ends the previous one may still be
/// running.
pub async fn eventual_outcome(store: &impl DedupStore, id: &str) -> &'static str {
    let outcome = async {
        loop {
            match outcome(store, id).await {
                "in progress" => tokio::task::yield_now().await,
                outcome => return outcome,
            }
        }
    };
    test_support::with_timeout(outcome, || format!("the claim of `{id}` to end")).await
}

async fn an_id_is_granted_once_and_done_after_completion(store: impl DedupStore) {
    let ticket = granted(&store, "a").await;
    assert_eq!(outcome(&store, "a").await, "in progress");
    ticket.complete().await.expect("the store responds");
    assert_eq!(outcome(&store, "a").await, "done");
    assert_eq!(outcome(&store, "a").await, "done");
}

async fn of_many_concurrent_claims_one_is_granted(store: impl DedupStore) {
    let store = std::sync::Arc::new(store);
    let mut claims = JoinSet::new();
    for _ in 0..50 {
        let store = store.clone();
        claims.spawn(async move { store.claim("a", NOW).await.expect("the store responds") });
    }
    // All tickets are held until every claim has returned, so that none is released and granted again.
    let claims = claims.join_all().await;
    let granted = claims
        .iter()
        .filter(|claim| matches!(claim, Claim::Granted(_)));
    assert_eq!(granted.count(), 1);
    let waiting = claims
        .iter()
        .filter(|claim| matches!(claim, Claim::InProgress));
    assert_eq!(waiting.count(), 49);
}

async fn a_dropped_ticket_releases_the_id(store: impl DedupStore) {
    drop(granted(&store, "a").await);
    for _ in 0..3 {
        // Each of these tickets is dropped as well.
        assert_eq!(eventual_outcome(&store, "a").await, "granted");
    }
}

async fn completion_takes_effect_even_if_its_future_is_dropped(store: impl DedupStore) {
    drop(granted(&store, "a").await.complete());
    assert_eq!(eventual_outcome(&store, "a").await, "done");
}

async fn ids_are_independent(store: impl DedupStore) {
    let ticket = granted(&store, "a").await;
    let other = granted(&store, "b").await;
    drop(other);
    ticket.complete().await.expect("the store responds");
    assert_eq!(outcome(&store, "a").await, "done");
    assert_eq!(eventual_outcome(&store, "b").await, "granted");
}

async fn claim_at(store: &MemoryIds, id: &str, now: u64) -> Claim {
    store.claim(id, now).await.expect("there is room")
}

#[tokio::test]
async fn memory_drops_a_done_id_after_its_retention() {
    let store = MemoryIds::new(10).retention(Duration::from_secs(60));
    granted(&store, "a").await.complete().await.unwrap();
    assert!(matches!(claim_at(&store, "a", NOW + 59).await, Claim::Done));
    assert!(matches!(
        claim_at(&store, "a", NOW + 60).await,
        Claim::Granted(_)
    ));
}

#[tokio::test]
async fn memory_never_drops_an_id_that_is_being_processed() {
    let store = MemoryIds::new(10).retention(Duration::from_secs(60));
    let _ticket = granted(&store, "a").await;
    assert!(matches!(
        claim_at(&store, "a", u64::MAX).await,
        Claim::InProgress
    ));
}

#[tokio::test]
async fn memory_is_bounded_and_evicts_the_oldest_done_id_first() {
    let store = MemoryIds::new(3);
    for id in ["a", "b", "c"] {
        granted(&store, id).await.complete().await.unwrap();
    }
    granted(&store, "d").await.complete().await.unwrap();
    for id in ["b", "c", "d"] {
        assert_eq!(outcome(&store, id).await, "done", "{id}");
    }
    assert_eq!(outcome(&store, "a").await, "granted");
}

#[tokio::test]
async fn memory_full_of_ids_in_progress_rejects_another() {
    let store = MemoryIds::new(2);
    let first = granted(&store, "a").await;
    let _second = granted(&store, "b").await;
    assert!(store.claim("c", NOW).await.is_err());
    assert_eq!(outcome(&store, "a").await, "in progress");
    drop(first);
    assert_eq!(outcome(&store, "c").await, "granted");
}
