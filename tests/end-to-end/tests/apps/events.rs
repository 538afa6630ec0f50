//! The selection of registrations by the patterns of events.

use serde_json::json;
use test_support::Receiver;

use crate::producer::Producer;

const PATTERNS: [&str; 6] = [
    "order.shipped",
    "order.*",
    "*",
    "order",
    "order.shipped.*",
    "ORDER.SHIPPED",
];

/// Starts a producer with a registration for each of [`PATTERNS`], at the path of its index.
async fn registered_patterns() -> (Receiver, Producer) {
    let receiver = Receiver::start().await;
    let producer = Producer::start().await;
    for (index, pattern) in PATTERNS.iter().enumerate() {
        producer
            .register(&receiver.url(&format!("/{index}")), pattern)
            .await;
    }
    (receiver, producer)
}

#[tokio::test]
async fn an_event_goes_to_the_registrations_whose_pattern_matches() {
    let (receiver, producer) = registered_patterns().await;
    let cases: [(&str, &[&str]); 6] = [
        ("order.shipped", &["order.shipped", "order.*", "*"]),
        ("order.shipped.abroad", &["order.*", "*", "order.shipped.*"]),
        ("order", &["*", "order"]),
        ("orders.shipped", &["*"]),
        ("ORDER.SHIPPED", &["*", "ORDER.SHIPPED"]),
        ("something else", &["*"]),
    ];
    for (event, expected) in cases {
        receiver.forget();
        let rows = producer.fire_event(event, &json!({ "a": [1] })).await;
        let called = rows.iter().map(|row| {
            assert_eq!(row["status"], 200, "{row}");
            let url = row["url"].as_str().expect("a URL");
            let index: usize = url
                .rsplit('/')
                .next()
                .and_then(|n| n.parse().ok())
                .expect("a index");
            PATTERNS[index]
        });
        assert_eq!(called.collect::<Vec<_>>(), expected, "{event}");
        let requests = receiver.requests();
        assert_eq!(requests.len(), expected.len(), "{event}");
        for request in requests {
            assert_eq!(
                request.json(),
                json!({ "event": event, "data": { "a": [1] } })
            );
        }
    }
}

#[tokio::test]
async fn without_an_event_every_consumer_gets_its_own_pattern() {
    let (receiver, producer) = registered_patterns().await;
    receiver.forget();
    assert_eq!(producer.fire().await.len(), PATTERNS.len());
    receiver.received(PATTERNS.len()).await;
    for (index, pattern) in PATTERNS.iter().enumerate() {
        let path = format!("/{index}");
        let requests = receiver.requests_to(&path);
        assert_eq!(requests.len(), 1, "{pattern}");
        let data = receiver.url(&path);
        assert_eq!(
            requests[0].json(),
            json!({ "event": pattern, "data": data })
        );
    }
}

#[tokio::test]
async fn an_event_without_matching_registrations_has_no_rows() {
    let receiver = Receiver::start().await;
    let producer = Producer::start().await;
    producer.register(&receiver.url("/"), "order.*").await;
    receiver.forget();
    assert!(
        producer
            .fire_event("user.created", &json!(null))
            .await
            .is_empty()
    );
    assert!(receiver.requests().is_empty());
}
