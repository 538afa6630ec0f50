//! The schemes of a delivery, and the one that decides.

use serde_json::json;
use test_support::{Receiver, Recorded};

use crate::consumer::{COMPONENT, Consumer, KEY, OTHER, VERIFIED, from_now, plain, standard, wss};
use crate::producer::{Producer, assert_problem};

const BODY: &[u8] = br#"{"event":"order.shipped","data":{"id":7}}"#;

fn header<'a>(delivery: &'a Recorded, name: &str) -> &'a str {
    let value = delivery.header(name);
    value.unwrap_or_else(|| panic!("no `{name}` in {delivery:?}"))
}

#[tokio::test]
async fn every_delivery_of_the_producer_is_signed_in_all_schemes() {
    let receiver = Receiver::start().await;
    let producer = Producer::start().await;
    let key = producer.register(&receiver.url("/target"), "*").await;
    receiver.forget();
    let before = from_now(0);
    producer.fire().await;
    producer.fire_event("order.shipped", &json!({})).await;
    let after = from_now(0);
    for delivery in receiver.received(2).await {
        let body = delivery.body.as_slice();
        let id = header(&delivery, "webhook-id");
        let at = header(&delivery, "webhook-timestamp").parse();
        let at = at.expect("Unix seconds");
        assert!((before..=after).contains(&at), "{at}");
        let expected = [
            plain(body, &key),
            wss(body, &key, at),
            standard(body, &key, id, at),
        ];
        for (name, value) in expected.concat() {
            assert_eq!(header(&delivery, name), value, "{name}");
        }
    }
}

#[tokio::test]
async fn a_firing_has_its_own_id_for_all_its_consumers() {
    let receiver = Receiver::start().await;
    let producer = Producer::start().await;
    for path in ["/one", "/two"] {
        producer.register(&receiver.url(path), "*").await;
    }
    receiver.forget();
    producer.fire().await;
    producer.fire().await;
    receiver.received(4).await;
    let ids = ["/one", "/two"].map(|path| {
        let deliveries = receiver.requests_to(path);
        let id = |delivery: &Recorded| header(delivery, "webhook-id").to_owned();
        deliveries.iter().map(id).collect::<Vec<_>>()
    });
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0][0], ids[0][1]);
}

#[tokio::test]
async fn a_delivery_of_the_producer_is_verified_in_the_strongest_scheme() {
    let consumer = Consumer::with("weakest_scheme=standard").await;
    let producer = Producer::start().await;
    producer.register(&consumer.target(), "*").await;
    let rows = producer.fire().await;
    assert_eq!(rows[0]["status"], 200, "{rows:?}");
    let log = consumer.0.log(COMPONENT);
    assert!(
        log.contains("Signed by scheme standard, event msg_"),
        "{log}"
    );
}

#[tokio::test]
async fn each_scheme_alone_is_verified() {
    let consumer = Consumer::start().await;
    consumer.handshake(KEY).await;
    let now = from_now(0);
    for headers in [
        plain(BODY, KEY),
        wss(BODY, KEY, now),
        standard(BODY, KEY, "msg_1", now),
    ] {
        let reply = consumer.deliver_with(BODY, &headers).await;
        assert_eq!(
            (reply.status, reply.text().as_str()),
            (200, VERIFIED),
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn after_a_failure_no_weaker_scheme_is_tried() {
    let consumer = Consumer::start().await;
    consumer.handshake(KEY).await;
    let now = from_now(0);
    let right = [plain(BODY, KEY), wss(BODY, KEY, now)];
    let cases = [
        (standard(BODY, OTHER, "msg_1", now), "no-match"),
        (standard(b"{}", KEY, "msg_1", now), "no-match"),
        (standard(BODY, KEY, "msg_1", from_now(-3600)), "too-old"),
        (standard(BODY, KEY, "msg.1", now), "malformed-header"),
        (vec![("webhook-signature", String::new())], "missing-header"),
    ];
    for (strongest, code) in cases {
        let headers = [&right[..], &[strongest]].concat().concat();
        assert_problem(&consumer.deliver_with(BODY, &headers).await, 400, code);
    }
    let headers = [plain(BODY, KEY), wss(BODY, OTHER, now)].concat();
    assert_problem(
        &consumer.deliver_with(BODY, &headers).await,
        400,
        "no-match",
    );
    assert_eq!(
        consumer.deliver_with(BODY, &right.concat()).await.status,
        200
    );
}

#[tokio::test]
async fn schemes_weaker_than_the_weakest_accepted_are_ignored() {
    let consumer = Consumer::with("weakest_scheme=wss").await;
    consumer.handshake(KEY).await;
    let reply = consumer.deliver_with(BODY, &plain(BODY, KEY)).await;
    assert_problem(&reply, 400, "missing-header");
    assert!(reply.text().contains("X-WSS-Signature"), "{reply:?}");
    let headers = wss(BODY, KEY, from_now(0));
    assert_eq!(consumer.deliver_with(BODY, &headers).await.status, 200);
}

#[tokio::test]
async fn a_stale_or_future_delivery_is_rejected() {
    let consumer = Consumer::start().await;
    consumer.handshake(KEY).await;
    for (seconds, code) in [(-3600, "too-old"), (3600, "too-new")] {
        let at = from_now(seconds);
        for headers in [wss(BODY, KEY, at), standard(BODY, KEY, "msg_1", at)] {
            let reply = consumer.deliver_with(BODY, &headers).await;
            assert_problem(&reply, 400, code);
        }
    }
    let log = consumer.0.log(COMPONENT);
    assert!(!log.contains("Payload verification result"), "{log}");
}

#[tokio::test]
async fn the_tolerance_is_configurable() {
    let consumer = Consumer::with("tolerance_seconds=7200").await;
    consumer.handshake(KEY).await;
    for seconds in [-3600, 3600] {
        let headers = wss(BODY, KEY, from_now(seconds));
        assert_eq!(consumer.deliver_with(BODY, &headers).await.status, 200);
    }
}

#[tokio::test]
async fn an_invalid_variable_fails_the_health_check_and_every_request() {
    for variable in [
        "weakest_scheme=none",
        "tolerance_seconds=5m",
        "seen_ids_max=0",
    ] {
        let consumer = Consumer::with(variable).await;
        let health = test_support::Request::get(consumer.0.url("/healthz"));
        assert_problem(&health.send().await, 503, "unavailable");
        assert_problem(&consumer.try_handshake(KEY).await, 503, "unavailable");
        let reply = consumer.deliver_with(BODY, &plain(BODY, KEY)).await;
        assert_problem(&reply, 503, "unavailable");
        let name = variable.split('=').next().expect("a name");
        let log = consumer.0.log(COMPONENT);
        assert!(log.contains(&format!("variable `{name}` is")), "{log}");
    }
}
