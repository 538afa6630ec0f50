//! What holds for every store of seen ids, and what for the one in memory.

use std::time::Duration;

use test_support::redis::{Fsync, RedisServer};
use tokio::task::JoinSet;
use webhook_signature::tower::{Claim, MemoryIds, RedisIds, SeenIds, Ticket};

use super::sender::NOW;

/// Each test of the contract, once a store.
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
    an_id_is_granted_once_and_done_when_it_was_completed
    of_many_claims_at_once_one_is_granted
    a_dropped_ticket_forgets_the_id
    an_id_stays_done_where_nobody_waits_to_hear_it
    ids_do_not_get_in_each_others_way
}

/// What a claim came to, as a letter that a test can compare.
pub async fn outcome(store: &impl SeenIds, id: &str) -> &'static str {
    match store.claim(id, NOW).await.expect("the store answers") {
        Claim::Granted(_) => "granted",
        Claim::InProgress => "in progress",
        Claim::Done => "done",
    }
}

pub async fn granted(store: &impl SeenIds, id: &str) -> Box<dyn Ticket> {
    match store.claim(id, NOW).await.expect("the store answers") {
        Claim::Granted(ticket) => ticket,
        Claim::InProgress => panic!("`{id}` is in progress"),
        Claim::Done => panic!("`{id}` is done"),
    }
}

/// Claims `id` until nobody else has it: what ends a claim may be at work yet.
pub async fn settled(store: &impl SeenIds, id: &str) -> &'static str {
    let settled = async {
        loop {
            match outcome(store, id).await {
                "in progress" => tokio::task::yield_now().await,
                settled => return settled,
            }
        }
    };
    test_support::within_patience(settled, || format!("`{id}` to be settled")).await
}

async fn an_id_is_granted_once_and_done_when_it_was_completed(store: impl SeenIds) {
    let ticket = granted(&store, "a").await;
    assert_eq!(outcome(&store, "a").await, "in progress");
    ticket.complete().await.expect("the store answers");
    assert_eq!(outcome(&store, "a").await, "done");
    assert_eq!(outcome(&store, "a").await, "done");
}

async fn of_many_claims_at_once_one_is_granted(store: impl SeenIds) {
    let store = std::sync::Arc::new(store);
    let mut claims = JoinSet::new();
    for _ in 0..50 {
        let store = store.clone();
        claims.spawn(async move { store.claim("a", NOW).await.expect("the store answers") });
    }
    // All of them are held until every one has its answer, so that none is granted a second time.
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

async fn a_dropped_ticket_forgets_the_id(store: impl SeenIds) {
    drop(granted(&store, "a").await);
    for _ in 0..3 {
        // Each of these claims is dropped as well.
        assert_eq!(settled(&store, "a").await, "granted");
    }
}

async fn an_id_stays_done_where_nobody_waits_to_hear_it(store: impl SeenIds) {
    drop(granted(&store, "a").await.complete());
    assert_eq!(settled(&store, "a").await, "done");
}

async fn ids_do_not_get_in_each_others_way(store: impl SeenIds) {
    let ticket = granted(&store, "a").await;
    let other = granted(&store, "b").await;
    drop(other);
    ticket.complete().await.expect("the store answers");
    assert_eq!(outcome(&store, "a").await, "done");
    assert_eq!(settled(&store, "b").await, "granted");
}

async fn claim_at(store: &MemoryIds, id: &str, now: u64) -> Claim {
    store.claim(id, now).await.expect("there is room")
}

#[tokio::test]
async fn memory_forgets_a_done_id_when_its_time_is_over() {
    let store = MemoryIds::new(10).retention(Duration::from_secs(60));
    granted(&store, "a").await.complete().await.unwrap();
    assert!(matches!(claim_at(&store, "a", NOW + 59).await, Claim::Done));
    assert!(matches!(
        claim_at(&store, "a", NOW + 60).await,
        Claim::Granted(_)
    ));
}

#[tokio::test]
async fn memory_never_forgets_an_id_that_is_being_processed() {
    let store = MemoryIds::new(10).retention(Duration::from_secs(60));
    let _ticket = granted(&store, "a").await;
    assert!(matches!(
        claim_at(&store, "a", u64::MAX).await,
        Claim::InProgress
    ));
}

#[tokio::test]
async fn memory_has_a_bound_and_forgets_the_longest_done_first() {
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
async fn memory_full_of_ids_in_progress_takes_no_other() {
    let store = MemoryIds::new(2);
    let first = granted(&store, "a").await;
    let _second = granted(&store, "b").await;
    assert!(store.claim("c", NOW).await.is_err());
    assert_eq!(outcome(&store, "a").await, "in progress");
    drop(first);
    assert_eq!(outcome(&store, "c").await, "granted");
}
