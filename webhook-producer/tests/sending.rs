//! A sender behind the producer: events on its stream, registrations in its API.

#![cfg(not(target_family = "wasm"))]

mod world;

use serde_json::{Value, json};
use webhook_producer::outside::Verb::{self, Delete, Patch, Post, Put};
use world::{Answer, Call, Consumer, Entry, World};

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
    world.consumer(ENDPOINTS, Consumer::Answers(201));
    world
}

fn fire(world: &World, body: &str) -> Answer {
    world.answer(Call::new("POST", "/fire").json(body))
}

fn delete(world: &World, target: &str) -> Answer {
    world.answer(Call::new("DELETE", target))
}

/// Method, URL and JSON of every call, those to the consumer left out.
fn told(world: &World) -> Vec<(Verb, String, Value)> {
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
fn a_fired_event_is_on_the_stream_when_it_is_answered_and_nobody_is_called() {
    let world = world_with_stream();
    world.insert(CONSUMER, "*", "key");
    let answer = fire(&world, r#"{"event":"order.shipped","data":{"id": 1.0}}"#);
    assert_eq!(answer.status(), 202);
    let id = answer.json()["id"].as_str().expect("an id").to_owned();
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
fn what_names_no_event_is_refused_and_not_written() {
    let world = world_with_stream();
    let answer = world.answer(Call::new("POST", "/fire"));
    assert_eq!(
        (answer.status(), answer.problem()),
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
fn a_stream_that_fails_is_a_503_that_does_not_say_what_the_server_said() {
    let world = world_with_stream();
    *world.stream_fails.borrow_mut() = Some("redis://:pass@queue refused".to_owned());
    for answer in [
        fire(&world, r#"{"event":"a","data":1}"#),
        world.answer(Call::new("GET", "/healthz")),
    ] {
        assert_eq!(
            (answer.status(), answer.problem()),
            (503, "stream-unavailable".to_owned())
        );
        assert!(!answer.text().contains("pass"), "{}", answer.text());
    }
    *world.stream_fails.borrow_mut() = None;
    assert_eq!(world.answer(Call::new("GET", "/healthz")).status(), 200);
}

#[test]
fn a_variable_that_means_nothing_is_named_and_its_value_not_shown() {
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
        let answer = fire(&world, r#"{"event":"a","data":1}"#);
        assert_eq!(answer.problem(), "bad-configuration", "{name}");
        let text = answer.text();
        assert!(text.contains(&format!("`{name}`")), "{text}");
        let secret = ["stream_url", "sender_url", "sender_token"].contains(&name);
        assert!(!secret || !text.contains(value), "{text}");
        assert!(world.entries.borrow().is_empty());
    }
}

#[test]
fn a_registration_is_an_endpoint_of_the_sender_with_the_consumers_key() {
    let world = world_with_api();
    let answer = world.register(CONSUMER, "order.*");
    assert_eq!(answer.status(), 201);
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
                "secret": answer.json()["signingKey"], "schemes": ["plain", "wss", "standard"],
            }),
        ),
    ];
    assert_eq!(told(&world), expected);
    let posts = world.posts.borrow();
    // The first call is the handshake, and the token is not the consumer's to know.
    let authorized = |call: &webhook_producer::outside::Outgoing| {
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
fn a_consumer_that_registers_again_gets_its_new_key_and_events_there() {
    let world = world_with_api();
    world.consumer(ENDPOINTS, Consumer::Answers(409));
    let answer = world.register(CONSUMER, "order.*");
    assert_eq!(answer.status(), 201);
    let endpoint = format!("{ENDPOINTS}/{}", id());
    let secret = json!({ "secret": answer.json()["signingKey"], "overlap": "0s" });
    let expected = [
        (Post, format!("{endpoint}/rotate-secret"), secret),
        (
            Patch,
            endpoint,
            json!({ "events": ["order.*"], "enabled": true }),
        ),
    ];
    assert_eq!(told(&world)[2..], expected);
}

#[test]
fn where_the_sender_is_not_told_nothing_is_registered_or_removed() {
    let cases = [
        (Consumer::Answers(401), "sender-refused"),
        (Consumer::Answers(500), "sender-refused"),
        (Consumer::RefusesConnections, "sender-unreachable"),
        (Consumer::Hangs, "sender-unreachable"),
    ];
    for (does, code) in cases {
        let world = world_with_api();
        world.consumer(ENDPOINTS, does);
        world.consumer(&format!("{ENDPOINTS}/{}", id()), does);
        let answer = world.register(CONSUMER, "*");
        assert_eq!((answer.status(), answer.problem()), (502, code.to_owned()));
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
fn what_is_removed_here_is_removed_there_even_if_it_was_gone() {
    for status in [204, 404] {
        let world = world_with_api();
        let endpoint = format!("{ENDPOINTS}/{}", id());
        world.consumer(&endpoint, Consumer::Answers(status));
        world.insert(CONSUMER, "*", "key");
        assert_eq!(
            delete(&world, "/registrations?all=true").json(),
            json!({ "deleted": 1 })
        );
        assert_eq!(told(&world), [(Delete, endpoint, Value::Null)]);
        assert!(world.table().is_empty());
    }
}
