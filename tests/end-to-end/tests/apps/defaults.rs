//! The consumer with its defaults: it accepts neither keys from strangers nor weak signatures.

use test_support::{App, Request};

use crate::consumer::{self, Consumer, Headers, KEY, VERIFIED, from_now, plain, standard, wss};
use crate::producer::{Producer, assert_problem};

const BODY: &[u8] = b"{}";
const TOKEN: &str = "s3cret-of-the-operator";

fn with_token(token: &str) -> App {
    let variable = format!("handshake_token={token}");
    consumer::as_delivered().args(["--variable".to_owned(), variable])
}

fn now(key: &str, id: &str) -> Headers {
    standard(BODY, key, id, from_now(0))
}

/// Attempts five handshakes as a stranger who does not know the token.
async fn strangers(consumer: &Consumer, query: &str, code: &str) {
    for number in 0..5 {
        let key = format!("the key of stranger number {number}");
        let reply = consumer.try_handshake_with(query, &key).await;
        assert_problem(&reply, 403, code);
        let reply = consumer.deliver_with(BODY, &now(&key, "msg_s")).await;
        assert_eq!(reply.status, 400, "{reply:?}");
    }
}

#[tokio::test]
async fn without_a_token_every_handshake_is_rejected() {
    let consumer = Consumer::of(&consumer::as_delivered()).await;
    for query in ["", "&token=", "&token=any", "&customer=7"] {
        strangers(&consumer, query, "handshake-token-unset").await;
    }
    let producer = Producer::start().await;
    let reply = producer.try_register(&consumer.target(), "*").await;
    assert_problem(&reply, 502, "handshake-refused");
}

#[tokio::test]
async fn strangers_cannot_displace_the_real_key() {
    let consumer = Consumer::of(&with_token(TOKEN)).await;
    let real = format!("&token={TOKEN}");
    assert_eq!(consumer.try_handshake_with(&real, KEY).await.status, 200);
    for query in ["", "&token=wrong"] {
        strangers(&consumer, query, "handshake-token-refused").await;
    }
    let reply = consumer.deliver_with(BODY, &now(KEY, "msg_1")).await;
    assert_eq!((reply.status, reply.text().as_str()), (200, VERIFIED));
}

#[tokio::test]
async fn a_captured_delivery_without_its_stronger_headers_is_rejected() {
    let consumer = Consumer::of(&with_token(TOKEN)).await;
    let real = format!("&token={TOKEN}");
    assert_eq!(consumer.try_handshake_with(&real, KEY).await.status, 200);
    let time = from_now(0);
    let all = [now(KEY, "msg_1"), wss(BODY, KEY, time), plain(BODY, KEY)].concat();
    assert_eq!(consumer.deliver_with(BODY, &all).await.status, 200);
    for stripped in [
        plain(BODY, KEY),
        wss(BODY, KEY, time),
        [wss(BODY, KEY, time), plain(BODY, KEY)].concat(),
    ] {
        let reply = consumer.deliver_with(BODY, &stripped).await;
        assert_problem(&reply, 400, "missing-header");
    }
}

#[tokio::test]
async fn line_breaks_at_the_end_of_a_token_are_dropped() {
    for file in [format!("{TOKEN}\n"), format!("{TOKEN}\r\n")] {
        let consumer = Consumer::of(&with_token(&file)).await;
        let real = format!("&token={TOKEN}");
        assert_eq!(consumer.try_handshake_with(&real, KEY).await.status, 200);
    }
    for (near_miss, found) in [
        (format!("\"{TOKEN}\""), "quotation marks"),
        (format!("{TOKEN} "), "white space"),
    ] {
        let consumer = Consumer::of(&with_token(&near_miss)).await;
        let health = Request::get(consumer.0.url("/healthz")).send().await;
        assert_problem(&health, 503, "unavailable");
        let log = consumer.0.log(consumer::COMPONENT);
        assert!(
            log.contains("`handshake_token`") && log.contains(found),
            "{log}"
        );
        assert!(!log.contains(TOKEN), "{log}");
    }
}

#[tokio::test]
async fn all_registrations_at_one_consumer_continue_to_verify() {
    let consumer = Consumer::of(&with_token(TOKEN).args([
        "--variable",
        // Replaced keys become invalid at once.
        "key_overlap_seconds=0",
    ]))
    .await;
    let producer = Producer::start().await;
    let urls = ["", "customer=7&", "customer=8&"];
    let urls = urls.map(|query| format!("{}?{query}token={TOKEN}", consumer.target()));
    for url in &urls {
        producer.register(url, "*").await;
    }
    // One of them registers again.
    assert_eq!(producer.try_register(&urls[1], "*").await.status, 200);
    for round in 1..=2 {
        let rows = producer.fire().await;
        assert_eq!(rows.len(), 3);
        assert!(rows.iter().all(|row| row["status"] == 200), "{rows:?}");
        // All three deliveries have the same id, and each has been processed.
        let log = consumer.0.log(consumer::COMPONENT);
        let verified = log.matches("Payload verification result: true").count();
        assert_eq!(
            (verified, log.contains("processed before")),
            (3 * round, false),
            "{log}"
        );
    }
}
