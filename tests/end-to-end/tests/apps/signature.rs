//! Signatures, compared with tags created independently of the crate, and sent to the real consumer.

use serde_json::json;
use test_support::{Receiver, Request};

use crate::consumer::{self, Consumer, KEY, VERIFIED, tag};
use crate::producer::{Producer, assert_problem};

#[tokio::test]
async fn a_payload_has_the_tag_of_its_bytes_in_upper_case() {
    let receiver = Receiver::start().await;
    let producer = Producer::start().await;
    let url = receiver.url("/target?kept=yes");
    let key = producer.register(&url, "order.*").await;
    receiver.forget();

    let rows = producer.fire().await;
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (&rows[0]["url"], &rows[0]["status"]),
        (&json!(url), &json!(200))
    );
    let delivery = &receiver.received(1).await[0];
    assert_eq!(
        (delivery.method.as_str(), delivery.path.as_str()),
        ("POST", "/target")
    );
    assert_eq!(delivery.query.as_deref(), Some("kept=yes"));
    assert_eq!(delivery.header("content-type"), Some("application/json"));
    assert_eq!(delivery.json(), json!({ "event": "order.*", "data": url }));
    let signature = delivery.header("x-signature").expect("a signature");
    assert_eq!(signature, tag(&delivery.body, &key));
    assert_eq!(signature.len(), 64);
    let digit = |byte: u8| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte);
    assert!(signature.bytes().all(digit), "{signature}");
}

#[tokio::test]
async fn every_consumer_gets_a_signature_under_its_own_key() {
    let receiver = Receiver::start().await;
    let producer = Producer::start().await;
    let one = producer.register(&receiver.url("/one"), "*").await;
    let two = producer.register(&receiver.url("/two"), "*").await;
    receiver.forget();
    producer
        .fire_event("order.shipped", &json!({ "id": 7 }))
        .await;
    receiver.received(2).await;
    for (path, key, other) in [("/one", &one, &two), ("/two", &two, &one)] {
        let deliveries = receiver.requests_to(path);
        assert_eq!(deliveries.len(), 1);
        let signature = deliveries[0].header("x-signature");
        assert_eq!(
            signature,
            Some(tag(&deliveries[0].body, key).as_str()),
            "{path}"
        );
        assert_ne!(
            signature,
            Some(tag(&deliveries[0].body, other).as_str()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn data_is_forwarded_byte_for_byte() {
    let receiver = Receiver::start().await;
    let producer = Producer::start().await;
    let key = producer.register(&receiver.url("/target"), "*").await;
    receiver.forget();
    let data = r#"{"n": 12345678901234567890.10, "a":[ 1 ],"ä":"\u00e4","a":1e400}"#;
    let body = format!("{{\"data\": {data}, \"event\": \"e\"}}");
    let reply = Request::post(producer.0.url("/fire"))
        .json(body)
        .send()
        .await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let delivery = &receiver.received(1).await[0];
    let sent = String::from_utf8(delivery.body.clone()).expect("text");
    assert_eq!(sent, format!("{{\"event\":\"e\",\"data\":{data}}}"));
    assert_eq!(
        delivery.header("x-signature"),
        Some(tag(&delivery.body, &key).as_str())
    );
}

#[tokio::test]
async fn the_consumer_verifies_payloads_signed_under_its_key() {
    let consumer = Consumer::start().await;
    consumer.handshake(KEY).await;
    let mebibyte = vec![b'x'; 1 << 20];
    for body in [b"".as_slice(), b"{}", b"\x00\xff\xfe not text", &mebibyte] {
        let tag = tag(body, KEY);
        for tag in [tag.clone(), tag.to_lowercase()] {
            let reply = consumer.deliver(body, &tag).await;
            assert_eq!(
                (reply.status, reply.text().as_str()),
                (200, VERIFIED),
                "{reply:?}"
            );
        }
    }
    let log = consumer.0.log(consumer::COMPONENT);
    assert_eq!(
        log.matches("Payload verification result: true").count(),
        8,
        "{log}"
    );
}

/// Returns copies of the bytes with one flipped bit, one for each byte.
fn flipped(bytes: &[u8]) -> Vec<Vec<u8>> {
    let flip = |index: usize| {
        let mut bytes = bytes.to_vec();
        bytes[index] ^= 1 << (index % 8);
        bytes
    };
    (0..bytes.len()).map(flip).collect()
}

#[tokio::test]
async fn a_flipped_bit_in_a_delivery_of_the_producer_is_rejected() {
    let receiver = Receiver::start().await;
    let producer = Producer::start().await;
    let key = producer.register(&receiver.url("/target"), "*").await;
    receiver.forget();
    producer
        .fire_event("order.shipped", &json!({ "id": 7 }))
        .await;
    let delivery = receiver.received(1).await.remove(0);
    let signature = delivery
        .header("x-signature")
        .expect("a signature")
        .to_owned();

    let consumer = Consumer::start().await;
    consumer.handshake(&key).await;
    assert_eq!(
        consumer.deliver(&delivery.body, &signature).await.status,
        200
    );
    for body in flipped(&delivery.body) {
        assert_problem(&consumer.deliver(&body, &signature).await, 400, "no-match");
    }
    for raw in flipped(&hex::decode(&signature).expect("hexadecimal")) {
        let signature = hex::encode_upper(raw);
        assert_problem(
            &consumer.deliver(&delivery.body, &signature).await,
            400,
            "no-match",
        );
    }
    let log = consumer.0.log(consumer::COMPONENT);
    assert_eq!(
        log.matches("Payload verification result: true").count(),
        1,
        "{log}"
    );
}

#[tokio::test]
async fn a_flipped_bit_in_the_key_is_rejected() {
    let consumer = Consumer::with("key_overlap_seconds=0").await;
    let (body, tag) = (b"{}".as_slice(), tag(b"{}", KEY));
    for index in [0, 17, 35] {
        let mut other = KEY.as_bytes().to_vec();
        other[index] ^= 1;
        let other = String::from_utf8(other).expect("ASCII");
        consumer.handshake(&other).await;
        assert_problem(&consumer.deliver(body, &tag).await, 400, "no-match");
        consumer.handshake(KEY).await;
        assert_eq!(consumer.deliver(body, &tag).await.status, 200);
    }
}

#[tokio::test]
async fn the_consumer_keeps_its_key_across_a_restart() {
    let app = consumer::app();
    let first = Consumer::of(&app).await;
    first.handshake(KEY).await;
    first.0.stop().await;
    let second = Consumer::of(&app).await;
    assert_eq!(second.deliver(b"{}", &tag(b"{}", KEY)).await.status, 200);
}
