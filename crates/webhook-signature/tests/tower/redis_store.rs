//! Properties of the Redis store alone.

use std::time::Duration;

use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;
use test_support::redis::{Fsync, RedisServer};
use webhook_signature::tower::{DedupStore, RedisIds};

use super::sender::NOW;
use super::stores::{eventual_outcome, granted, outcome};

async fn started() -> RedisServer {
    RedisServer::start(Fsync::EverySecond).await
}

/// Opens a connection for inspecting the server.
async fn connection(server: &RedisServer) -> MultiplexedConnection {
    let client = redis::Client::open(server.url()).expect("a URL");
    let connection = client.get_multiplexed_async_connection().await;
    connection.expect("the server responds")
}

async fn milliseconds_left(redis: &mut MultiplexedConnection, key: &str) -> i64 {
    let left = redis::cmd("PTTL").arg(key).query_async(redis).await;
    left.expect("the server responds")
}

#[tokio::test]
async fn processes_that_share_a_redis_share_their_ids() {
    let server = started().await;
    let one = RedisIds::connect(&server.url()).await.unwrap();
    let other = RedisIds::connect(&server.url()).await.unwrap();
    let ticket = granted(&one, "a").await;
    assert_eq!(outcome(&other, "a").await, "in progress");
    ticket.complete().await.unwrap();
    assert_eq!(outcome(&other, "a").await, "done");
    drop(granted(&one, "b").await);
    assert_eq!(eventual_outcome(&other, "b").await, "granted");
}

#[tokio::test]
async fn prefixes_separate_senders() {
    let server = started().await;
    let one = RedisIds::connect(&server.url())
        .await
        .unwrap()
        .prefix("one:");
    let other = RedisIds::connect(&server.url())
        .await
        .unwrap()
        .prefix("other:");
    granted(&one, "a").await.complete().await.unwrap();
    granted(&other, "a").await.complete().await.unwrap();
    let mut redis = connection(&server).await;
    let mut keys: Vec<String> = redis.keys("*").await.unwrap();
    keys.sort();
    assert_eq!(keys, ["one:a", "other:a"]);
}

#[tokio::test]
async fn every_key_expires() {
    let server = started().await;
    let store = RedisIds::connect(&server.url())
        .await
        .unwrap()
        .lease(Duration::from_secs(20))
        .retention(Duration::from_secs(3600));
    let mut redis = connection(&server).await;
    let ticket = granted(&store, "a").await;
    let lease = milliseconds_left(&mut redis, "webhook-id:a").await;
    assert!((1..=20_000).contains(&lease), "{lease}");
    ticket.complete().await.unwrap();
    let retention = milliseconds_left(&mut redis, "webhook-id:a").await;
    assert!((20_001..=3_600_000).contains(&retention), "{retention}");
}

#[tokio::test]
async fn a_lease_lasts_at_least_one_second() {
    let server = started().await;
    let store = RedisIds::connect(&server.url())
        .await
        .unwrap()
        .lease(Duration::ZERO);
    let mut redis = connection(&server).await;
    let _ticket = granted(&store, "a").await;
    let lease = milliseconds_left(&mut redis, "webhook-id:a").await;
    assert!((2..=1000).contains(&lease), "{lease}");
}

#[tokio::test]
async fn a_claim_is_renewed_as_long_as_its_ticket_exists() {
    let server = started().await;
    let store = RedisIds::connect(&server.url())
        .await
        .unwrap()
        .lease(Duration::from_secs(3));
    let mut redis = connection(&server).await;
    let _ticket = granted(&store, "a").await;
    let renewed = async {
        let mut left = milliseconds_left(&mut redis, "webhook-id:a").await;
        loop {
            assert!(left > 0, "the claim has expired");
            let later = milliseconds_left(&mut redis, "webhook-id:a").await;
            if later > left {
                return;
            }
            left = later;
        }
    };
    test_support::with_timeout(renewed, || "the lease to be renewed".to_owned()).await;
    assert_eq!(outcome(&store, "a").await, "in progress");
}

#[tokio::test]
async fn a_lost_claim_does_not_release_the_next_one() {
    let server = started().await;
    let store = RedisIds::connect(&server.url()).await.unwrap();
    let mut redis = connection(&server).await;
    let lost = granted(&store, "a").await;
    let _: () = redis.del("webhook-id:a").await.unwrap();
    let _next = granted(&store, "a").await;
    drop(lost);
    // The only script that can have run by then is the one that would release the claim.
    let released = async {
        loop {
            let statistics: String = redis::cmd("INFO")
                .arg("commandstats")
                .query_async(&mut redis)
                .await
                .unwrap();
            if statistics.contains("cmdstat_eval:") {
                return;
            }
        }
    };
    test_support::with_timeout(released, || "the lost claim to end".to_owned()).await;
    assert_eq!(outcome(&store, "a").await, "in progress");
}

#[tokio::test]
async fn an_unreachable_redis_is_an_error_until_it_is_back() {
    let mut server = started().await;
    let store = RedisIds::connect(&server.url()).await.unwrap();
    server.kill();
    assert!(store.claim("a", NOW).await.is_err());
    assert!(RedisIds::connect(&server.url()).await.is_err());
    assert!(RedisIds::connect("not a URL").await.is_err());
    server.restart().await;
    let back = async { while store.claim("b", NOW).await.is_err() {} };
    test_support::with_timeout(back, || "a new connection".to_owned()).await;
}

#[tokio::test]
async fn a_hanging_redis_is_an_error() {
    let server = started().await;
    let store = RedisIds::connect(&server.url()).await.unwrap();
    server.stall();
    assert!(store.claim("a", NOW).await.is_err());
}
