//! A key appears in the response to its own registration and in its handshake, and nowhere else.

use serde_json::json;
use sha2::{Digest, Sha256};
use test_support::{Behaviour, Receiver, Request};

use crate::consumer::{self, Consumer};
use crate::producer::{self, Producer, key_of};

/// All responses and logs of the two apps.
struct Outputs(Vec<(&'static str, String)>);

impl Outputs {
    fn note(&mut self, what: &'static str, text: impl ToString) {
        self.0.push((what, text.to_string()));
    }

    fn assert_without(&self, key: &str) {
        for (what, text) in &self.0 {
            assert!(!text.contains(key), "{what} has the key {key}: {text}");
        }
    }
}

#[tokio::test]
async fn no_other_response_and_no_log_contains_a_key() {
    let receiver = Receiver::start().await;
    let producer = Producer::with("outbound_timeout_ms=2000").await;
    let consumer = Consumer::start().await;
    let mut outputs = Outputs(Vec::new());
    let mut keys = vec![producer.register(&consumer.target(), "*").await];

    // Registrations that succeed, succeed again, and fail in every way. Their keys are read from the
    // handshakes that the receiver recorded.
    keys.push(producer.register(&receiver.url("/known"), "*").await);
    keys.push(key_of(
        &producer.try_register(&receiver.url("/known"), "*").await,
    ));
    receiver.on("/refuses", Behaviour::status(403).body("go away"));
    receiver.on("/hangs", Behaviour::hang());
    receiver.on("/closes", Behaviour::close());
    for path in ["/refuses", "/hangs", "/closes"] {
        let reply = producer.try_register(&receiver.url(path), "*").await;
        assert_eq!(reply.status, 502, "{reply:?}");
        outputs.note("a failed registration", format!("{reply:?}"));
        let handshakes = receiver.requests_to(path);
        assert_eq!(handshakes.len(), 1, "{path}");
        let key = handshakes[0].json()["keyData"]
            .as_str()
            .expect("a key")
            .to_owned();
        keys.push(key);
    }
    assert_eq!(keys.len(), 6);

    outputs.note("the list", producer.list().await);
    receiver.forget();
    outputs.note(
        "the rows of a firing",
        format!("{:?}", producer.fire().await),
    );
    receiver.on("/known", Behaviour::close());
    let data = json!({ "a": 1 });
    outputs.note(
        "the rows of an event",
        format!("{:?}", producer.fire_event("a", &data).await),
    );
    for payload in receiver.received(2).await {
        outputs.note("a payload", format!("{payload:?}"));
    }

    // A handshake of a stranger that quotes a key, and deliveries that are rejected.
    let quoting = format!("{{\"keyData\": [\"{}\"]}}", keys[0]);
    for (path, body) in [
        ("/target?handshake=true", quoting.as_str()),
        ("/target", "{}"),
    ] {
        let reply = Request::post(consumer.0.url(path))
            .json(body.to_owned())
            .send()
            .await;
        assert_eq!(reply.status, 400, "{reply:?}");
        outputs.note("a refusal of the consumer", format!("{reply:?}"));
    }
    let reply = consumer.deliver(b"{}", &"0".repeat(64)).await;
    outputs.note("a mismatch", format!("{reply:?}"));
    let reply = Request::delete(producer.0.url("/registrations?all=true"))
        .send()
        .await;
    outputs.note("a deletion", format!("{reply:?}"));

    let producer_log = producer.0.log(producer::COMPONENT);
    let consumer_log = consumer.0.log(consumer::COMPONENT);
    for key in &keys {
        let fingerprint = hex::encode(&Sha256::digest(key.as_bytes())[..4]);
        assert!(producer_log.contains(&fingerprint), "{producer_log}");
    }
    assert!(
        consumer_log.contains("Payload verification result: true"),
        "{consumer_log}"
    );
    outputs.note("the producer's log", producer_log);
    outputs.note("the consumer's log", consumer_log);
    outputs.note(
        "the producer's errors",
        producer.0.error_log(producer::COMPONENT),
    );
    outputs.note(
        "the consumer's errors",
        consumer.0.error_log(consumer::COMPONENT),
    );
    outputs.note(
        "the producer's terminal",
        producer.0.stop().await.transcript(),
    );
    outputs.note(
        "the consumer's terminal",
        consumer.0.stop().await.transcript(),
    );
    for key in &keys {
        assert_eq!(key.len(), 36);
        outputs.assert_without(key);
    }
}
