//! The two tokens: for calls of the producer, and for keys of the consumer.

use serde_json::json;
use test_support::{Receiver, Reply, Request};

use crate::consumer::{self, Consumer, KEY, tag};
use crate::producer::{Producer, assert_problem};

const TOKEN: &str = "s3cret-of-the-operator";

#[tokio::test]
async fn with_an_api_token_every_route_requires_it() {
    let receiver = Receiver::start().await;
    let producer = Producer::with(&format!("api_token={TOKEN}")).await;
    let registration = json!({ "url": receiver.url("/target"), "event": "*" }).to_string();
    let routes = [
        ("POST", "/registrations", registration.as_str(), 201),
        ("GET", "/registrations", "", 200),
        ("POST", "/fire", "", 200),
        ("POST", "/healthz", "", 405),
        ("DELETE", "/registrations?all=true", "", 200),
        ("GET", "/nothing", "", 404),
        ("PUT", "/fire", "", 405),
    ];
    let request = |method: &str, path: &str, body: &str| {
        Request::new(method, producer.0.url(path)).json(body.to_owned())
    };
    for method in ["GET", "HEAD"] {
        for path in ["/healthz", "/healthz/"] {
            let probe = Request::new(method, producer.0.url(path)).send().await;
            assert_eq!(probe.status, 200, "{method} {path}");
        }
    }
    let wrong = [
        "",
        "Bearer",
        "Bearer ",
        "Bearer s3cret",
        "Basic czNjcmV0",
        TOKEN,
    ];
    for (method, path, body, _) in routes {
        let bare = request(method, path, body).send().await;
        assert_unauthorized(&bare);
        for wrong in wrong {
            let request = request(method, path, body).header("authorization", wrong);
            assert_unauthorized(&request.send().await);
        }
    }
    assert!(receiver.requests().is_empty(), "{:?}", receiver.requests());
    for (method, path, body, status) in routes {
        let request = request(method, path, body);
        let reply = request
            .header("authorization", format!("Bearer {TOKEN}"))
            .send()
            .await;
        assert_eq!(reply.status, status, "{method} {path}: {reply:?}");
    }
    let requests = receiver.requests();
    assert_eq!(requests.len(), 2, "a handshake and a payload");
    assert!(
        requests.iter().all(|request| !request.mentions(TOKEN)),
        "{requests:#?}"
    );
    let ended = producer.0.stop().await;
    assert!(
        !ended.transcript().contains(TOKEN),
        "{}",
        ended.transcript()
    );
}

#[track_caller]
fn assert_unauthorized(reply: &Reply) {
    assert_problem(reply, 401, "unauthorized");
    let challenge = reply.header("www-authenticate").unwrap_or_default();
    assert!(challenge.starts_with("Bearer"), "{reply:?}");
}

#[tokio::test]
async fn with_a_handshake_token_a_stranger_cannot_change_the_key() {
    let app = consumer::app().args(["--variable".to_owned(), format!("handshake_token={TOKEN}")]);
    let consumer = Consumer::of(&app).await;
    let handshake = |key: &str, query: &str| {
        let url = consumer.0.url(&format!("/target?handshake=true{query}"));
        Request::post(url).json(json!({ "keyData": key }).to_string())
    };
    let good = format!("&token={TOKEN}");
    assert_eq!(handshake(KEY, &good).send().await.status, 200);
    let other = "k".repeat(36);
    for query in [
        "",
        "&token=",
        "&token=s3cret",
        "&token=S3CRET-OF-THE-OPERATOR",
    ] {
        let reply = handshake(&other, query).send().await;
        assert_problem(&reply, 403, "handshake-token-refused");
    }
    assert_eq!(consumer.deliver(b"{}", &tag(b"{}", KEY)).await.status, 200);
    let ended = consumer.0.stop().await;
    assert!(
        !ended.transcript().contains(TOKEN),
        "{}",
        ended.transcript()
    );
}

#[tokio::test]
async fn a_producer_reaches_a_protected_consumer_with_the_token_in_the_url() {
    let app = consumer::app().args(["--variable".to_owned(), format!("handshake_token={TOKEN}")]);
    let consumer = Consumer::of(&app).await;
    let producer = Producer::start().await;
    let reply = producer.try_register(&consumer.target(), "*").await;
    assert_problem(&reply, 502, "handshake-refused");

    producer
        .register(&format!("{}?token={TOKEN}", consumer.target()), "*")
        .await;
    let rows = producer.fire().await;
    assert_eq!(rows[0]["status"], 200, "{rows:?}");
    let redacted = format!("{}?token=***", consumer.target());
    assert_eq!(rows[0]["url"], redacted);
    assert_eq!(producer.urls().await, [redacted]);
    for log in [
        producer.0.log(crate::producer::COMPONENT),
        consumer.0.log(consumer::COMPONENT),
        producer.0.stop().await.transcript(),
        consumer.0.stop().await.transcript(),
    ] {
        assert!(!log.contains(TOKEN), "{log}");
    }
}
