//! Repeated ids, sent to a real receiver with each store.

use test_support::Reply;
use test_support::redis::{Fsync, RedisServer};
use webhook_signature::Scheme;
use webhook_signature::tower::{BoxFuture, Claim, DedupStore, MemoryIds, RedisIds, StoreError};

use super::receiver::{Behaviour, Receiver, layer};
use super::sender::{BODY, headers, signed, with_headers};

/// Runs each test with each store.
macro_rules! with_each_store {
    ($($test:ident)*) => {
        mod in_memory {
            $(#[tokio::test]
            async fn $test() {
                super::$test(super::start(super::MemoryIds::new(100)).await).await;
            })*
        }
        mod in_redis {
            $(#[tokio::test]
            async fn $test() {
                let server = super::RedisServer::start(super::Fsync::EverySecond).await;
                let store = super::RedisIds::connect(&server.url()).await.unwrap();
                super::$test(super::start(store).await).await;
            })*
        }
    };
}

with_each_store! {
    an_id_that_was_processed_gets_200_and_is_not_processed_again
    of_two_concurrent_requests_with_one_id_the_second_gets_409
    an_id_whose_handler_fails_is_released
    an_id_whose_handler_panics_is_released
    an_id_whose_client_disconnects_is_released
    a_rejected_request_does_not_claim_its_id
    an_id_whose_response_is_incomplete_is_released
    an_id_whose_response_is_streamed_is_done_when_the_client_has_all_of_it
}

async fn start(store: impl DedupStore) -> Receiver {
    Receiver::start(layer().deduplicate(store)).await
}

/// Sends a request until its response is not 409: the task that ends the previous claim may still
/// be running.
async fn eventual_reply(receiver: &Receiver, id: &str) -> Reply {
    let reply = async {
        loop {
            let reply = signed(receiver.url(), id).send().await;
            if reply.status != 409 {
                return reply;
            }
        }
    };
    test_support::with_timeout(reply, || format!("the claim of `{id}` to end")).await
}

async fn an_id_that_was_processed_gets_200_and_is_not_processed_again(receiver: Receiver) {
    for status in [200, 201, 204] {
        let calls = receiver.calls();
        receiver.set_behaviour(Behaviour::Respond(status));
        let id = status.to_string();
        assert_eq!(signed(receiver.url(), &id).send().await.status, status);
        for _ in 0..2 {
            let reply = signed(receiver.url(), &id).send().await;
            assert_eq!((reply.status, reply.body.len()), (200, 0));
        }
        assert_eq!(receiver.calls(), calls + 1);
    }
}

async fn of_two_concurrent_requests_with_one_id_the_second_gets_409(receiver: Receiver) {
    receiver.set_behaviour(Behaviour::Wait);
    let first = tokio::spawn(signed(receiver.url(), "a").send());
    receiver.called().await;

    let second = signed(receiver.url(), "a").send().await;
    assert_eq!(second.status, 409, "{second:?}");
    assert_eq!(second.json()["code"], "in-progress");
    assert_eq!(second.header("retry-after"), Some("5"));
    assert_eq!(receiver.calls(), 1);

    receiver.release();
    assert_eq!(first.await.unwrap().status, 200);
    assert_eq!(signed(receiver.url(), "a").send().await.status, 200);
    assert_eq!(receiver.calls(), 1);
}

async fn an_id_whose_handler_fails_is_released(receiver: Receiver) {
    for status in [500, 503, 404, 302, 304] {
        let id = status.to_string();
        let calls = receiver.calls();
        receiver.set_behaviour(Behaviour::Respond(status));
        assert_eq!(signed(receiver.url(), &id).send().await.status, status);
        assert_eq!(eventual_reply(&receiver, &id).await.status, status);
        receiver.set_behaviour(Behaviour::Respond(200));
        assert_eq!(eventual_reply(&receiver, &id).await.status, 200);
        assert_eq!(receiver.calls(), calls + 3);
        assert_eq!(eventual_reply(&receiver, &id).await.status, 200);
        assert_eq!(receiver.calls(), calls + 3);
    }
}

async fn an_id_whose_handler_panics_is_released(receiver: Receiver) {
    receiver.set_behaviour(Behaviour::Panic);
    let broken = signed(receiver.url(), "a").try_send().await;
    assert!(broken.is_err(), "{broken:?}");
    receiver.set_behaviour(Behaviour::Respond(200));
    assert_eq!(eventual_reply(&receiver, "a").await.status, 200);
    assert_eq!(receiver.calls(), 2);
}

async fn an_id_whose_client_disconnects_is_released(receiver: Receiver) {
    receiver.set_behaviour(Behaviour::NeverEnd);
    let client = tokio::spawn(signed(receiver.url(), "a").send());
    receiver.called().await;
    assert_eq!(signed(receiver.url(), "a").send().await.status, 409);
    client.abort();
    assert!(client.await.unwrap_err().is_cancelled());
    receiver.set_behaviour(Behaviour::Respond(200));
    assert_eq!(eventual_reply(&receiver, "a").await.status, 200);
    assert_eq!(receiver.calls(), 2);
}

async fn a_rejected_request_does_not_claim_its_id(receiver: Receiver) {
    let forged = signed(receiver.url(), "a").body("{}").send().await;
    assert_eq!(forged.status, 400);
    assert_eq!(signed(receiver.url(), "a").send().await.status, 200);
    assert_eq!(receiver.calls(), 1);
}

async fn an_id_whose_response_is_incomplete_is_released(receiver: Receiver) {
    for announced in [true, false] {
        let id = format!("a-{announced}");
        receiver.set_behaviour(Behaviour::BreakOff { announced });
        let broken = signed(receiver.url(), &id).try_send().await;
        assert!(broken.is_err(), "{broken:?}");
        let calls = receiver.calls();
        receiver.set_behaviour(Behaviour::Respond(200));
        assert_eq!(eventual_reply(&receiver, &id).await.status, 200);
        assert_eq!(receiver.calls(), calls + 1);
    }
}

async fn an_id_whose_response_is_streamed_is_done_when_the_client_has_all_of_it(
    receiver: Receiver,
) {
    for announced in [true, false] {
        receiver.set_behaviour(Behaviour::Stream { announced });
        for round in 0..20 {
            let id = format!("{announced}-{round}");
            let reply = signed(receiver.url(), &id).send().await;
            assert_eq!((reply.status, reply.text().as_str()), (200, "one two"));
            let calls = receiver.calls();
            let again = signed(receiver.url(), &id).send().await;
            assert_eq!((again.status, again.body.len()), (200, 0));
            assert_eq!(receiver.calls(), calls);
        }
    }
}

#[tokio::test]
async fn a_request_without_an_id_is_processed_each_time() {
    let layer = layer()
        .weakest(Scheme::Wss)
        .deduplicate(MemoryIds::new(100));
    let receiver = Receiver::start(layer).await;
    for calls in 1..=2 {
        let request = with_headers(receiver.url(), headers(Scheme::Wss, "a", BODY));
        assert_eq!(request.body(BODY).send().await.status, 200);
        assert_eq!(receiver.calls(), calls);
    }
}

/// A store that always fails.
struct Unavailable;

impl DedupStore for Unavailable {
    fn claim<'a>(&'a self, _: &'a str, _: u64) -> BoxFuture<'a, Result<Claim, StoreError>> {
        Box::pin(std::future::ready(Err("the store is gone".into())))
    }
}

#[tokio::test]
async fn nothing_is_processed_while_the_store_is_unavailable() {
    let receiver = start(Unavailable).await;
    let reply = signed(receiver.url(), "a").send().await;
    assert_eq!(reply.status, 503);
    assert_eq!(reply.json()["code"], "unavailable");
    assert_eq!(reply.header("retry-after"), Some("5"));
    assert!(!reply.text().contains("gone"), "{reply:?}");
    assert_eq!(receiver.calls(), 0);
}

#[tokio::test]
async fn a_stopped_redis_gets_503_and_the_handler_is_not_called() {
    let mut server = RedisServer::start(Fsync::EverySecond).await;
    let store = RedisIds::connect(&server.url()).await.unwrap();
    let receiver = start(store).await;
    server.kill();
    assert_eq!(signed(receiver.url(), "a").send().await.status, 503);
    assert_eq!(receiver.calls(), 0);
}
