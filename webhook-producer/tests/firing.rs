//! Firing at consumers that respond, fail, hang or respond late.

#![cfg(not(target_family = "wasm"))]

mod world;

use std::time::Duration;

use serde_json::{Value, json};
use webhook_producer::platform::{Clock, Outgoing};
use world::{Call, Consumer, Reply, World, tag};

test_support::on_every_store!(
    without_a_body_every_consumer_gets_its_own_pattern_and_url_under_its_own_key,
    an_event_reaches_the_consumers_whose_pattern_matches,
    firing_without_consumers_returns_an_empty_list,
    fifty_consumers_are_called_concurrently,
    neither_response_nor_log_contains_a_key_even_if_the_signer_repeats_it,
);

fn fire(world: &World) -> Reply {
    world.send(Call::new("POST", "/fire"))
}

fn fire_event(world: &World, body: &str) -> Reply {
    world.send(Call::new("POST", "/fire").json(body))
}

/// Creates a world with the consumers `http://c0.example/`, `http://c1.example/`, …, for every event.
fn world_with(consumers: usize) -> World {
    let world = World::new();
    for number in 0..consumers {
        world.insert(&url(number), "*", &format!("key {number}"));
    }
    world
}

fn url(number: usize) -> String {
    format!("http://c{number}.example/")
}

fn header<'a>(post: &'a Outgoing, name: &str) -> &'a str {
    let found = post.headers.iter().find(|(header, _)| header == name);
    found.map(|(_, value)| value.as_str()).expect("the header")
}

fn id_of(post: &Outgoing) -> &str {
    header(post, "webhook-id")
}

fn rows(reply: &Reply) -> Vec<Value> {
    assert_eq!(reply.status(), 200);
    reply.json().as_array().expect("a list").clone()
}

#[test]
fn without_a_body_every_consumer_gets_its_own_pattern_and_url_under_its_own_key() {
    let world = World::new();
    world.insert("http://a.example/hook?token=t", "order.shipped", "key a");
    world.insert("http://b.example/", "*", "key b");
    let reply = fire(&world);
    let expected = json!([
        {"url": "http://a.example/hook?token=***", "status": 200, "milliseconds": 0},
        {"url": "http://b.example/", "status": 200, "milliseconds": 0},
    ]);
    assert_eq!(reply.json(), expected);

    let posts = world.posts.borrow();
    let bodies: Vec<&str> = posts
        .iter()
        .map(|p| std::str::from_utf8(&p.body).unwrap())
        .collect();
    let expected = [
        r#"{"event":"order.shipped","data":"http://a.example/hook?token=t"}"#,
        r#"{"event":"*","data":"http://b.example/"}"#,
    ];
    assert_eq!(bodies, expected);
    for (post, key) in posts.iter().zip(["key a", "key b"]) {
        let expected = [
            ("content-type", "application/json"),
            ("X-Signature", &tag(&post.body, key)),
            ("webhook-id", id_of(&posts[0])),
            ("webhook-timestamp", "1614265330"),
        ];
        let headers = post.headers.iter();
        let headers: Vec<_> = headers.map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(headers, expected);
    }
    assert_eq!(posts[0].url.as_str(), "http://a.example/hook?token=t");
}

#[test]
fn each_firing_has_its_own_id() {
    let world = world_with(2);
    fire(&world);
    fire(&world);
    let posts = world.posts.borrow();
    let ids: Vec<&str> = posts.iter().map(id_of).collect();
    assert_eq!((ids[0], ids[2]), (ids[1], ids[3]));
    assert_ne!(ids[0], ids[2]);
}

#[test]
fn the_timestamp_is_the_time_of_the_call() {
    let world = world_with(2);
    world.set("max_concurrency", "1");
    let late = Consumer::RespondsAfter(Duration::from_secs(2), 200);
    (0..2).for_each(|number| world.consumer(&url(number), late));
    fire(&world);
    let posts = world.posts.borrow();
    let times: Vec<&str> = posts
        .iter()
        .map(|post| header(post, "webhook-timestamp"))
        .collect();
    assert_eq!(times, ["1614265330", "1614265332"]);
}

#[test]
fn an_event_reaches_the_consumers_whose_pattern_matches() {
    let world = World::new();
    let registrations = [
        ("http://exact.example/", "order.shipped"),
        ("http://other.example/", "order.paid"),
        ("http://prefix.example/", "order.*"),
        ("http://all.example/", "*"),
        ("http://deeper.example/", "order.shipped.*"),
    ];
    for (url, event) in registrations {
        world.insert(url, event, "key");
    }
    let reply = fire_event(&world, r#"{"event": "order.shipped", "data": null}"#);
    let urls: Vec<Value> = rows(&reply).iter().map(|row| row["url"].clone()).collect();
    let expected = [
        "http://exact.example/",
        "http://prefix.example/",
        "http://all.example/",
    ];
    assert_eq!(urls, expected);
    assert_eq!(world.posted(), 3);
    let null = br#"{"event":"order.shipped","data":null}"#;
    assert!(world.posts.borrow().iter().all(|post| *post.body == *null));
}

#[test]
fn data_is_forwarded_unchanged() {
    let world = world_with(1);
    let data = r#"{"n": 12345678901234567890.10, "a" : [ 1e2,"\u00e4" ]}"#;
    fire_event(&world, &format!(r#"{{"data": {data}, "event": "e"}}"#));
    let sent = world.posts.borrow()[0].body.clone();
    let expected = format!(r#"{{"event":"e","data":{data}}}"#);
    assert_eq!(std::str::from_utf8(&sent).unwrap(), expected);
}

#[test]
fn firing_without_consumers_returns_an_empty_list() {
    let world = world_with(0);
    assert_eq!(fire(&world).text(), "[]\n");
}

#[test]
fn a_consumers_status_or_error_is_reported() {
    let world = world_with(3);
    world.consumer(&url(0), Consumer::Responds(500));
    world.consumer(&url(1), Consumer::Responds(302));
    world.consumer(&url(2), Consumer::RefusesConnections);
    let expected = json!([
        {"url": url(0), "status": 500, "milliseconds": 0},
        {"url": url(1), "status": 302, "milliseconds": 0},
        {"url": url(2), "error": "connect: connection refused", "milliseconds": 0},
    ]);
    assert_eq!(fire(&world).json(), expected);
}

#[test]
fn fifty_consumers_are_called_concurrently() {
    let world = world_with(50);
    for number in 0..50 {
        let late = Consumer::RespondsAfter(Duration::from_millis(100), 200);
        world.consumer(&url(number), late);
    }
    let rows = rows(&fire(&world));
    assert_eq!(world.timeline.now(), Duration::from_millis(100));
    assert_eq!(rows.len(), 50);
    for (number, row) in rows.iter().enumerate() {
        let expected = json!({"url": url(number), "status": 200, "milliseconds": 100});
        assert_eq!(*row, expected);
    }
}

#[test]
fn consumers_that_hang_are_cut_off_at_the_timeout_and_delay_no_other() {
    let world = world_with(50);
    world.set("outbound_timeout_ms", "1000");
    for number in (0..50).step_by(5) {
        world.consumer(&url(number), Consumer::Hangs);
        let late = Consumer::RespondsAfter(Duration::from_millis(700), 201);
        world.consumer(&url(number + 1), late);
    }
    let rows = rows(&fire(&world));
    assert_eq!(world.timeline.now(), Duration::from_millis(1000));
    for (number, row) in rows.iter().enumerate() {
        let expected = match number % 5 {
            0 => json!({
                "url": url(number),
                "error": "timeout: no response within the firing's 1000 ms",
                "milliseconds": 1000,
            }),
            1 => json!({"url": url(number), "status": 201, "milliseconds": 700}),
            _ => json!({"url": url(number), "status": 200, "milliseconds": 0}),
        };
        assert_eq!(*row, expected);
    }
}

#[test]
fn more_consumers_than_the_limit_are_called_in_turn() {
    let world = world_with(10);
    world.set("max_concurrency", "4");
    for number in 0..10 {
        let late = Consumer::RespondsAfter(Duration::from_millis(100), 200);
        world.consumer(&url(number), late);
    }
    let rows = rows(&fire(&world));
    assert_eq!(world.timeline.now(), Duration::from_millis(300));
    for (number, row) in rows.iter().enumerate() {
        let expected = json!({"url": url(number), "status": 200, "milliseconds": 100});
        assert_eq!(*row, expected, "in the order of registration");
    }
}

#[test]
fn consumers_that_are_not_called_in_time_are_reported() {
    let world = world_with(10);
    world.set("max_concurrency", "4");
    world.set("outbound_timeout_ms", "1000");
    for number in 0..10 {
        world.consumer(&url(number), Consumer::Hangs);
    }
    let rows = rows(&fire(&world));
    assert_eq!(world.timeline.now(), Duration::from_millis(1000));
    let count = |start: &str| {
        let starts = |row: &&Value| row["error"].as_str().unwrap().starts_with(start);
        rows.iter().filter(starts).count()
    };
    assert_eq!((count("timeout: "), count("not started: ")), (4, 6));
    assert_eq!(world.posted(), 4);
}

#[test]
fn the_order_of_calls_is_randomized_if_there_are_too_many_consumers() {
    let world = world_with(3);
    world.set("max_concurrency", "1");
    for number in 0..3 {
        world.consumer(&url(number), Consumer::Hangs);
    }
    // The probability that one of three consumers is never first in 200 draws is (2/3)^200.
    for _ in 0..200 {
        fire(&world);
    }
    for number in 0..3 {
        let called = world
            .posts
            .borrow()
            .iter()
            .any(|post| post.url.as_str() == url(number));
        assert!(called, "{}", url(number));
    }
}

#[test]
fn a_host_that_is_no_longer_allowed_is_not_called() {
    let world = World::new();
    world.insert("http://localhost:3002/target", "*", "key");
    world.insert("http://public.example/", "*", "key");
    world.set("allow_private_hosts", "false");
    let rows = rows(&fire(&world));
    let error = rows[0]["error"].as_str().expect("an error");
    assert!(
        error.starts_with("plan: host `localhost` is private"),
        "{error}"
    );
    assert_eq!(rows[1]["status"], 200);
    assert_eq!(world.posted(), 1);
}

#[test]
fn neither_response_nor_log_contains_a_key_even_if_the_signer_repeats_it() {
    let world = World::new();
    world.register("http://consumer.example/target?token=s3cret", "*");
    let key = world.table()[0][2].clone();
    *world.signing_fails.borrow_mut() = Some("bad key".to_owned());
    let failed = fire(&world);
    let error = &rows(&failed)[0]["error"];
    assert_eq!(error, "plan: the payload could not be signed");
    *world.signing_fails.borrow_mut() = None;
    let fired = fire(&world);
    assert!(!failed.text().contains(&key) && !fired.text().contains(&key));
    let logged = world.logged();
    assert!(logged.contains("Signing failed: bad key [key]"), "{logged}");
    assert!(
        !logged.contains(&key) && !logged.contains("s3cret"),
        "{logged}"
    );
}

#[test]
fn the_log_has_each_call_and_its_status() {
    let world = World::new();
    world.insert("http://localhost:3002/target?token=s3cret", "*", "key");
    fire(&world);
    let id = id_of(&world.posts.borrow()[0]).to_owned();
    let expected = format!(
        "PRODUCER: Firing event {id}\n\
                    PRODUCER: Loading all CONSUMERS from database\n\
                    PRODUCER: Sending signed payload to CONSUMER http://localhost:3002/target\n\
                    PRODUCER: CONSUMER http://localhost:3002/target responded with status 200"
    );
    assert_eq!(world.logged(), expected);
}
