//! Replacement of a key while deliveries are under way.

use test_support::{App, Runtime, clock};

use crate::consumer::{self, Consumer, KEY, OTHER, from_now, plain, standard, wss};
use crate::producer::{Producer, assert_problem};

const BODY: &[u8] = b"{}";

#[tokio::test]
async fn both_keys_are_accepted_after_a_second_handshake() {
    let consumer = Consumer::start().await;
    consumer.handshake(KEY).await;
    consumer.handshake(OTHER).await;
    let now = from_now(0);
    for key in [KEY, OTHER] {
        for headers in [
            plain(BODY, key),
            wss(BODY, key, now),
            standard(BODY, key, &format!("msg_{key}"), now),
        ] {
            let reply = consumer.deliver_with(BODY, &headers).await;
            assert_eq!(reply.status, 200, "{reply:?}");
        }
    }
    let neither = "Jx0oPq3Zf8WvYt5BnLcRkS2hUe7MdGi4Ta9w";
    let reply = consumer.deliver_with(BODY, &plain(BODY, neither)).await;
    assert_problem(&reply, 400, "no-match");
}

#[tokio::test]
async fn without_an_overlap_the_replaced_key_is_rejected_at_once() {
    let consumer = Consumer::with("key_overlap_seconds=0").await;
    consumer.handshake(KEY).await;
    consumer.handshake(OTHER).await;
    let reply = consumer.deliver_with(BODY, &plain(BODY, KEY)).await;
    assert_problem(&reply, 400, "no-match");
    let reply = consumer.deliver_with(BODY, &plain(BODY, OTHER)).await;
    assert_eq!(reply.status, 200, "{reply:?}");
}

/// Returns which of the two keys are accepted when the app's clock is at `at`.
async fn accepted(app: &App, at: u64) -> [bool; 2] {
    let app = app.clone().args(clock::at(at));
    let consumer = Consumer(app.start(&Runtime::spin_local()).await);
    let mut accepted = [false; 2];
    for (key, accepted) in [KEY, OTHER].into_iter().zip(&mut accepted) {
        let reply = consumer.deliver_with(BODY, &wss(BODY, key, at)).await;
        *accepted = reply.status == 200;
        if !*accepted {
            assert_problem(&reply, 400, "no-match");
        }
    }
    consumer.0.stop().await;
    accepted
}

#[tokio::test]
async fn a_replaced_key_becomes_invalid_after_its_overlap() {
    const NOW: u64 = 1_614_265_330;
    let app = consumer::stopped();
    let app = app.args(["--variable", "key_overlap_seconds=1000"]);
    let at_first = app.clone().args(clock::at(NOW));
    let consumer = Consumer(at_first.start(&Runtime::spin_local()).await);
    consumer.handshake(KEY).await;
    consumer.handshake(OTHER).await;
    consumer.0.stop().await;
    assert_eq!(accepted(&app, NOW + 999).await, [true, true]);
    assert_eq!(accepted(&app, NOW + 1000).await, [false, true]);
}

#[tokio::test]
async fn a_producer_that_registers_again_continues_to_deliver() {
    let consumer = Consumer::start().await;
    let producer = Producer::start().await;
    let first = producer.register(&consumer.target(), "*").await;
    let again = producer.try_register(&consumer.target(), "*").await;
    assert_eq!(again.status, 200, "{again:?}");
    let rows = producer.fire().await;
    assert_eq!(rows[0]["status"], 200, "{rows:?}");
    // A delivery that was signed before and is still under way.
    let late = plain(BODY, &first);
    assert_eq!(consumer.deliver_with(BODY, &late).await.status, 200);
}
