//! Producer, Redis stream, sender and consumer, working together.

use serde_json::json;
use test_support::redis::{Fsync, RedisServer};
use test_support::{App, Receiver, Request};

use crate::consumer::{self, Consumer};
use crate::producer::{self, Producer, assert_problem};
use crate::sender::{Sender, TENANT, TOKEN};

fn producer_of(redis: &RedisServer, sender: &Sender) -> App {
    let variables = [
        format!("stream_url={}", redis.url()),
        format!("sender_url={}", sender.api),
        format!("sender_token={TOKEN}"),
        format!("tenant={TENANT}"),
    ];
    let variables = variables
        .iter()
        .flat_map(|variable| ["--variable", variable]);
    producer::app().args(variables)
}

/// Fires an event and returns its id.
async fn fire(producer: &Producer, event: &str) -> String {
    let body = json!({ "event": event, "data": { "id": 7 } }).to_string();
    let reply = Request::post(producer.0.url("/fire"))
        .json(body)
        .send()
        .await;
    assert_eq!(reply.status, 202, "{reply:?}");
    reply.json()["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn an_event_passes_through_stream_and_sender_and_is_verified() {
    let redis = RedisServer::start(Fsync::EverySecond).await;
    let sender = Sender::start(redis.folder(), &redis.url());
    let producer = Producer::of(&producer_of(&redis, &sender)).await;
    let consumer = Consumer::start().await;
    let url = consumer.0.url("/target");
    producer.register(&url, "order.*").await;
    assert_eq!(sender.urls().await, std::slice::from_ref(&url));

    let id = fire(&producer, "order.shipped").await;
    sender.succeeded(&id, 1).await;
    let log = consumer.0.log(consumer::COMPONENT);
    assert!(log.contains("Payload verification result: true"), "{log}");

    // The next registration changes the key in the sender as well.
    let again = producer.try_register(&url, "*").await;
    assert_eq!(again.status, 200, "{again:?}");
    let id = fire(&producer, "invoice.paid").await;
    sender.succeeded(&id, 1).await;

    let gone = Request::new("DELETE", producer.0.url("/registrations?all=true"));
    assert_eq!(gone.send().await.json(), json!({ "deleted": 1 }));
    assert_eq!(sender.urls().await, [""; 0]);
}

#[tokio::test]
async fn an_event_fired_while_no_sender_runs_is_delivered_later() {
    let redis = RedisServer::start(Fsync::Always).await;
    let sender = Sender::start(redis.folder(), &redis.url());
    let producer = Producer::of(&producer_of(&redis, &sender)).await;
    let receiver = Receiver::start().await;
    producer.register(&receiver.url("/target"), "*").await;
    receiver.forget();
    drop(sender);

    let id = fire(&producer, "order.shipped").await;
    let _sender = Sender::start(redis.folder(), &redis.url());
    let delivery = &receiver.received(1).await[0];
    assert_eq!(delivery.header("webhook-id"), Some(id.as_str()));
    assert_eq!(
        delivery.body[..],
        *br#"{"event":"order.shipped","data":{"id":7}}"#
    );
    for header in ["x-signature", "x-wss-signature", "webhook-signature"] {
        assert!(delivery.header(header).is_some(), "{header}");
    }
}

#[tokio::test]
async fn an_unreachable_stream_or_sender_is_reported() {
    let mut redis = RedisServer::start(Fsync::EverySecond).await;
    let sender = Sender::start(redis.folder(), &redis.url());
    let producer = Producer::of(&producer_of(&redis, &sender)).await;
    let receiver = Receiver::start().await;
    let healthy = Request::get(producer.0.url("/healthz")).send().await;
    assert_eq!(healthy.status, 200, "{healthy:?}");

    drop(sender);
    let refused = producer.try_register(&receiver.url("/target"), "*").await;
    assert_problem(&refused, 502, "sender-unreachable");
    assert_eq!(producer.list().await, json!([]));

    redis.kill();
    let body = json!({ "event": "order.shipped", "data": 1 }).to_string();
    let fired = Request::post(producer.0.url("/fire"))
        .json(body)
        .send()
        .await;
    assert_problem(&fired, 503, "stream-unavailable");
    let health = Request::get(producer.0.url("/healthz")).send().await;
    assert_problem(&health, 503, "stream-unavailable");
}
