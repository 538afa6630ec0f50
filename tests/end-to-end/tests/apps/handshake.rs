//! Registration: the handshake, and the effect of a failed one.

use std::net::SocketAddr;

use serde_json::json;
use test_support::{Behaviour, Receiver};
use tokio::net::TcpListener;

use crate::consumer::tag;
use crate::producer::{Producer, assert_problem, key_of};

#[tokio::test]
async fn a_consumer_that_accepts_the_handshake_is_registered() {
    let receiver = Receiver::start().await;
    let producer = Producer::start().await;
    let url = receiver.url("/target");
    let reply = producer.try_register(&url, "order.*").await;

    assert_eq!(reply.status, 201, "{reply:?}");
    let key = key_of(&reply);
    assert_eq!(
        reply.json(),
        json!({ "url": url, "event": "order.*", "signingKey": key })
    );
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(key.len(), 36, "{key}");
    assert!(
        key.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "{key}"
    );
    assert_eq!(producer.urls().await, [url]);
}

#[tokio::test]
async fn the_handshake_is_a_post_with_only_the_key() {
    let receiver = Receiver::start().await;
    let producer = Producer::start().await;
    let key = producer
        .register(&receiver.url("/target?a=%20b&c"), "*")
        .await;

    let requests = receiver.requests();
    assert_eq!(requests.len(), 1, "{requests:#?}");
    let handshake = &requests[0];
    assert_eq!(
        (handshake.method.as_str(), handshake.path.as_str()),
        ("POST", "/target")
    );
    assert_eq!(handshake.query.as_deref(), Some("a=%20b&c&handshake=true"));
    assert_eq!(handshake.header("content-type"), Some("application/json"));
    assert_eq!(handshake.header("x-signature"), None);
    assert_eq!(handshake.json(), json!({ "keyData": key }));
}

#[tokio::test]
async fn any_2xx_accepts_a_handshake_and_any_other_status_rejects_it() {
    let receiver = Receiver::start().await;
    let producer = Producer::start().await;
    for status in [200, 201, 202, 204, 299] {
        let path = format!("/{status}");
        receiver.on(&path, Behaviour::status(status));
        assert_eq!(
            producer
                .try_register(&receiver.url(&path), "*")
                .await
                .status,
            201,
            "{status}"
        );
    }
    let registered = producer.list().await;
    for status in [300, 302, 400, 403, 404, 410, 500, 503] {
        let path = format!("/{status}");
        receiver.on(&path, Behaviour::status(status).header("location", "/200"));
        let reply = producer.try_register(&receiver.url(&path), "*").await;
        assert_problem(&reply, 502, "handshake-refused");
        assert!(reply.text().contains(&status.to_string()), "{reply:?}");
    }
    assert_eq!(producer.list().await, registered);
    assert_eq!(receiver.requests().len(), 13, "no redirect is followed");
}

/// Returns an address without a listener, which was free a moment ago.
async fn unused_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port is free");
    listener.local_addr().expect("it is bound")
}

#[tokio::test]
async fn a_failed_handshake_does_not_change_the_table() {
    let receiver = Receiver::start().await;
    let producer = Producer::with("outbound_timeout_ms=2000").await;
    let known = receiver.url("/known");
    let key = producer.register(&known, "*").await;
    let registered = producer.list().await;

    receiver.on("/refuses", Behaviour::status(403));
    receiver.on("/hangs", Behaviour::hang());
    receiver.on("/closes", Behaviour::close());
    for (url, code) in [
        (receiver.url("/refuses"), "handshake-refused"),
        (receiver.url("/hangs"), "handshake-timeout"),
        (receiver.url("/closes"), "consumer-unreachable"),
        (
            format!("http://{}/target", unused_address().await),
            "consumer-unreachable",
        ),
        (
            "http://nobody.invalid/target".to_owned(),
            "consumer-unreachable",
        ),
    ] {
        assert_problem(&producer.try_register(&url, "*").await, 502, code);
        assert_eq!(producer.list().await, registered, "{code}");
    }

    // A consumer that is already registered keeps its key and its event.
    for behaviour in [
        Behaviour::status(403),
        Behaviour::hang(),
        Behaviour::close(),
    ] {
        receiver.on("/known", behaviour);
        assert_eq!(producer.try_register(&known, "other").await.status, 502);
        assert_eq!(producer.list().await, registered);
    }
    receiver.on("/known", Behaviour::status(200));
    receiver.forget();
    assert_eq!(producer.fire().await.len(), 1);
    let delivery = &receiver.received(1).await[0];
    assert_eq!(
        delivery.header("x-signature"),
        Some(tag(&delivery.body, &key).as_str())
    );
}

#[tokio::test]
async fn a_handshake_response_that_never_ends_counts_by_its_status() {
    let receiver = Receiver::start().await;
    let producer = Producer::start().await;
    for (path, behaviour) in [
        ("/drips", Behaviour::drip()),
        ("/stalls", Behaviour::stall()),
    ] {
        receiver.on(path, behaviour);
        producer.register(&receiver.url(path), "*").await;
    }
    assert_eq!(producer.urls().await.len(), 2);
}
