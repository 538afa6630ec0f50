//! A sender behind the producer: events on its stream, registrations as its endpoints.

#![cfg(not(target_family = "wasm"))]

mod world;

use serde_json::{Value, json};
use webhook_producer::platform::Method::{self, Delete, Patch, Post, Put};
use world::{Call, Consumer, Entry, Reply, World};

const CONSUMER: &str = "http://consumer.example/target";
const ENDPOINTS: &str = "http://sender:8080/v1/tenants/shop/endpoints";

fn world_with_stream() -> World {
    let world = World::new();
    world.set("stream_url", "redis://queue:6379");
    world.set("tenant", "shop");
    world
}

fn world_with_api() -> World {
    let world = World::new();
    world.set("sender_url", "http://sender:8080");
    world.set("sender_token", "s3cret");
    world.set("tenant", "shop");
    world.consumer(ENDPOINTS, Consumer::Responds(201));
    world
}

fn fire(world: &World, body: &str) -> Reply {
    world.send(Call::new("POST", "/fire").json(body))
}

fn delete(world: &World, target: &str) -> Reply {
    world.send(Call::new("DELETE", target))
}

/// Returns method, URL and JSON of every call to the sender.
fn calls_to_sender(world: &World) -> Vec<(Method, String, Value)> {
    let posts = world.posts.borrow();
    let to_sender = posts
        .iter()
        .filter(|call| call.url.host_str() == Some("sender"));
    to_sender
        .map(|call| {
            let body = serde_json::from_slice(&call.body).unwrap_or(Value::Null);
            (call.method, call.url.to_string(), body)
        })
        .collect()
}

fn id() -> String {
    use sha2::Digest;
    format!("reg_{}", hex::encode(&sha2::Sha256::digest(CONSUMER)[..16]))
}

#[test]
fn a_fired_event_is_on_the_stream_before_the_response_and_no_consumer_is_called() {
    let world = world_with_stream();
    world.insert(CONSUMER, "*", "key");
    let reply = fire(&world, r#"{"event":"order.shipped","data":{"id": 1.0}}"#);
    assert_eq!(reply.status(), 202);
    let id = reply.json()["id"].as_str().expect("an id").to_owned();
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let expected = Entry {
        address: "redis://queue:6379".to_owned(),
        name: "events".to_owned(),
        fields: [
            ("tenant", "shop"),
            ("type", "order.shipped"),
            ("id", id.as_str()),
            ("data", r#"{"event":"order.shipped","data":{"id": 1.0}}"#),
        ]
        .map(own)
        .into(),
    };
    assert_eq!(*world.entries.borrow(), [expected]);
    assert_eq!(world.posted(), 0);

    assert_eq!(
        fire(&world, r#"{"event":"order.shipped","data":null}"#).status(),
        202
    );
    let data = world.entries.borrow()[1].fields[3].1.clone();
    assert_eq!(data, r#"{"event":"order.shipped","data":null}"#);
}

#[test]
fn an_invalid_event_is_rejected_and_not_written() {
    let world = world_with_stream();
    let reply = world.send(Call::new("POST", "/fire"));
    assert_eq!(
        (reply.status(), reply.problem()),
        (400, "event-required".to_owned())
    );
    assert_eq!(fire(&world, r#"{"data":1}"#).problem(), "missing-field");
    for name in ["a..b", "a b", "ä", "operational.x"] {
        let body = json!({ "event": name, "data": 1 }).to_string();
        assert_eq!(fire(&world, &body).problem(), "bad-event", "{name}");
    }
    assert!(world.entries.borrow().is_empty());
}

#[test]
fn a_failing_stream_is_a_503_without_the_servers_message() {
    let world = world_with_stream();
    *world.stream_fails.borrow_mut() = Some("redis://:pass@queue refused".to_owned());
    for reply in [
        fire(&world, r#"{"event":"a","data":1}"#),
        world.send(Call::new("GET", "/healthz")),
    ] {
        assert_eq!(
            (reply.status(), reply.problem()),
            (503, "stream-unavailable".to_owned())
        );
        assert!(!reply.text().contains("pass"), "{}", reply.text());
    }
    *world.stream_fails.borrow_mut() = None;
    assert_eq!(world.send(Call::new("GET", "/healthz")).status(), 200);
}

#[test]
fn an_invalid_variable_is_named_without_its_value() {
    let wrong = [
        ("stream_url", "queue:6379"),
        ("stream_url", "http://queue:6379"),
        ("stream_url", "redis://:pass@"),
        ("stream_name", ""),
        ("tenant", ""),
        ("tenant", "The Shop"),
        ("sender_url", "sender:8080"),
        ("sender_url", "http://user:pass@sender"),
        ("sender_url", "http://sender/?a=b"),
        ("sender_token", "two words"),
    ];
    for (name, value) in wrong {
        let world = world_with_stream();
        world.set("sender_url", "http://sender:8080");
        world.set(name, value);
        let reply = fire(&world, r#"{"event":"a","data":1}"#);
        assert_eq!(reply.problem(), "bad-configuration", "{name}");
        let text = reply.text();
        assert!(text.contains(&format!("`{name}`")), "{text}");
        let secret = ["stream_url", "sender_url", "sender_token"].contains(&name);
        assert!(!secret || !text.contains(value), "{text}");
        assert!(world.entries.borrow().is_empty());
    }
}

#[test]
fn a_registration_becomes_an_endpoint_of_the_sender_with_the_consumers_key() {
    let world = world_with_api();
    let reply = world.register(CONSUMER, "order.*");
    assert_eq!(reply.status(), 201);
    let expected = [
        (
            Put,
            "http://sender:8080/v1/tenants/shop".to_owned(),
            Value::Null,
        ),
        (
            Post,
            ENDPOINTS.to_owned(),
            json!({
                "id": id(), "url": CONSUMER, "events": ["order.*"],
                "secret": reply.json()["signingKey"], "schemes": ["plain", "wss", "standard"],
            }),
        ),
    ];
    assert_eq!(calls_to_sender(&world), expected);
    let posts = world.posts.borrow();
    // The first call is the handshake. The consumer must not see the sender's token.
    let authorized = |call: &webhook_producer::platform::Outgoing| {
        let bearer = ("authorization".to_owned(), "Bearer s3cret".to_owned());
        call.headers.contains(&bearer)
    };
    assert_eq!(
        posts.iter().map(authorized).collect::<Vec<_>>(),
        [false, true, true]
    );
    assert!(!world.logged().contains("s3cret"));
}

#[test]
fn registering_again_updates_key_and_events_of_the_endpoint() {
    let world = world_with_api();
    world.consumer(ENDPOINTS, Consumer::Responds(409));
    let reply = world.register(CONSUMER, "order.*");
    assert_eq!(reply.status(), 201);
    let endpoint = format!("{ENDPOINTS}/{}", id());
    let secret = json!({ "secret": reply.json()["signingKey"], "overlap": "0s" });
    let expected = [
        (Post, format!("{endpoint}/rotate-secret"), secret),
        (
            Patch,
            endpoint,
            json!({ "events": ["order.*"], "enabled": true }),
        ),
    ];
    assert_eq!(calls_to_sender(&world)[2..], expected);
}

#[test]
fn if_the_sender_fails_nothing_is_registered_or_deleted() {
    let cases = [
        (Consumer::Responds(401), "sender-refused"),
        (Consumer::Responds(500), "sender-refused"),
        (Consumer::RefusesConnections, "sender-unreachable"),
        (Consumer::Hangs, "sender-unreachable"),
    ];
    for (behaviour, code) in cases {
        let world = world_with_api();
        world.consumer(ENDPOINTS, behaviour);
        world.consumer(&format!("{ENDPOINTS}/{}", id()), behaviour);
        let reply = world.register(CONSUMER, "*");
        assert_eq!((reply.status(), reply.problem()), (502, code.to_owned()));
        assert!(world.table().is_empty());

        world.insert(CONSUMER, "*", "key");
        for target in [
            "/registrations?all=true",
            "/registrations?url=http://consumer.example/target",
        ] {
            assert_eq!(delete(&world, target).problem(), code);
        }
        assert_eq!(world.table().len(), 1);
    }
}

#[test]
fn a_deletion_also_deletes_the_endpoint_even_if_it_does_not_exist() {
    for status in [204, 404] {
        let world = world_with_api();
        let endpoint = format!("{ENDPOINTS}/{}", id());
        world.consumer(&endpoint, Consumer::Responds(status));
        world.insert(CONSUMER, "*", "key");
        assert_eq!(
            delete(&world, "/registrations?all=true").json(),
            json!({ "deleted": 1 })
        );
        assert_eq!(calls_to_sender(&world), [(Delete, endpoint, Value::Null)]);
        assert!(world.table().is_empty());
    }
}
