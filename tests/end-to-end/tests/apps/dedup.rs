//! Deduplication: an event that is sent repeatedly is processed once.

use test_support::{Runtime, clock};
use tokio::task::JoinSet;

use crate::consumer::{
    self, COMPONENT, Consumer, DUPLICATE, Headers, KEY, VERIFIED, from_now, standard,
};
use crate::producer::assert_problem;

const BODY: &[u8] = b"{}";

async fn text(consumer: &Consumer, headers: &Headers) -> String {
    let reply = consumer.deliver_with(BODY, headers).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.text()
}

#[tokio::test]
async fn an_id_that_was_processed_gets_200_and_is_not_processed_again() {
    let consumer = Consumer::start().await;
    consumer.handshake(KEY).await;
    let first = standard(BODY, KEY, "msg_1", from_now(0));
    // A retry has the same id and a new timestamp.
    let retry = standard(BODY, KEY, "msg_1", from_now(1));
    assert_eq!(text(&consumer, &first).await, VERIFIED);
    assert_eq!(text(&consumer, &retry).await, DUPLICATE);
    assert_eq!(text(&consumer, &first).await, DUPLICATE);
    let other = standard(BODY, KEY, "msg_2", from_now(0));
    assert_eq!(text(&consumer, &other).await, VERIFIED);
    let log = consumer.0.log(COMPONENT);
    assert_eq!(
        log.matches("Event msg_1 was processed before").count(),
        2,
        "{log}"
    );
}

#[tokio::test]
async fn a_processed_id_does_not_let_a_forgery_through() {
    let consumer = Consumer::start().await;
    consumer.handshake(KEY).await;
    let headers = standard(BODY, KEY, "msg_1", from_now(0));
    assert_eq!(text(&consumer, &headers).await, VERIFIED);
    let reply = consumer.deliver_with(b"[]", &headers).await;
    assert_problem(&reply, 400, "no-match");
}

#[tokio::test]
async fn a_forgery_does_not_claim_an_id() {
    let consumer = Consumer::start().await;
    consumer.handshake(KEY).await;
    let headers = standard(BODY, KEY, "msg_1", from_now(0));
    let reply = consumer.deliver_with(b"[]", &headers).await;
    assert_problem(&reply, 400, "no-match");
    assert_eq!(text(&consumer, &headers).await, VERIFIED);
}

#[tokio::test]
async fn of_concurrent_requests_with_one_id_one_is_processed() {
    let consumer = Consumer::start().await;
    consumer.handshake(KEY).await;
    for round in 0..10 {
        let headers = standard(BODY, KEY, &format!("msg_{round}"), from_now(0));
        let mut racing = JoinSet::new();
        for _ in 0..16 {
            let request = test_support::Request::post(consumer.target()).body(BODY);
            let headers = headers.clone();
            racing.spawn(async move {
                let with = |request: test_support::Request, (name, value): &(&str, String)| {
                    request.header(name, value)
                };
                headers.iter().fold(request, with).send().await
            });
        }
        let replies = racing.join_all().await;
        let mut processed = 0;
        for reply in &replies {
            match (reply.status, reply.text().as_str()) {
                (200, VERIFIED) => processed += 1,
                (200, DUPLICATE) => {}
                _ => {
                    assert_problem(reply, 409, "in-progress");
                    assert_eq!(reply.header("retry-after"), Some("5"));
                }
            }
        }
        assert_eq!((replies.len(), processed), (16, 1), "{replies:?}");
        assert_eq!(text(&consumer, &headers).await, DUPLICATE);
    }
}

#[tokio::test]
async fn an_id_is_remembered_across_a_restart_for_the_retry_horizon() {
    const NOW: u64 = 1_614_265_330;
    let app = consumer::stopped().args(["--variable", "retry_horizon_seconds=1000"]);
    let headers = |at| standard(BODY, KEY, "msg_1", at);
    for (at, expected) in [
        (NOW, VERIFIED),
        (NOW + 1000, DUPLICATE),
        (NOW + 1001, VERIFIED),
        (NOW + 1002, DUPLICATE),
    ] {
        let at_that_time = app.clone().args(clock::at(at));
        let consumer = Consumer(at_that_time.start(&Runtime::spin_local()).await);
        consumer.handshake(KEY).await;
        assert_eq!(text(&consumer, &headers(at)).await, expected, "{at}");
        consumer.0.stop().await;
    }
}
