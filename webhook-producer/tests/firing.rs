//! Firing at consumers that answer, fail, hang or answer late.

#![cfg(not(target_family = "wasm"))]

mod world;

use std::time::Duration;

use serde_json::{Value, json};
use webhook_producer::outside::{Clock, Outgoing};
use world::{Answer, Call, Consumer, World, tag};

fn fire(world: &World) -> Answer {
    world.answer(Call::new("POST", "/fire"))
}

fn fire_event(world: &World, body: &str) -> Answer {
    world.answer(Call::new("POST", "/fire").json(body))
}

/// Consumers `http://c0.example/`, `http://c1.example/`, …, all of which want everything.
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

fn rows(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status(), 200);
    answer.json().as_array().expect("a list").clone()
}

#[test]
fn with_no_body_every_consumer_gets_its_own_event_and_url_under_its_own_key() {
    let world = World::new();
    world.insert("http://a.example/hook?token=t", "order.shipped", "key a");
    world.insert("http://b.example/", "*", "key b");
    let answer = fire(&world);
    let expected = json!([
        {"url": "http://a.example/hook?token=***", "status": 200, "milliseconds": 0},
        {"url": "http://b.example/", "status": 200, "milliseconds": 0},
    ]);
    assert_eq!(answer.json(), expected);

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
fn each_firing_has_an_id_of_its_own() {
    let world = world_with(2);
    fire(&world);
    fire(&world);
    let posts = world.posts.borrow();
    let ids: Vec<&str> = posts.iter().map(id_of).collect();
    assert_eq!((ids[0], ids[2]), (ids[1], ids[3]));
    assert_ne!(ids[0], ids[2]);
}

#[test]
fn the_timestamp_is_of_the_moment_a_consumer_is_called() {
    let world = world_with(2);
    world.set("max_concurrency", "1");
    let late = Consumer::AnswersAfter(Duration::from_secs(2), 200);
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
fn an_event_reaches_those_who_want_it_and_no_others() {
    let world = World::new();
    let wants = [
        ("http://exact.example/", "order.shipped"),
        ("http://other.example/", "order.paid"),
        ("http://prefix.example/", "order.*"),
        ("http://all.example/", "*"),
        ("http://deeper.example/", "order.shipped.*"),
    ];
    for (url, event) in wants {
        world.insert(url, event, "key");
    }
    let answer = fire_event(&world, r#"{"event": "order.shipped", "data": null}"#);
    let urls: Vec<Value> = rows(&answer).iter().map(|row| row["url"].clone()).collect();
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
fn data_is_sent_on_as_it_came() {
    let world = world_with(1);
    let data = r#"{"n": 12345678901234567890.10, "a" : [ 1e2,"\u00e4" ]}"#;
    fire_event(&world, &format!(r#"{{"data": {data}, "event": "e"}}"#));
    let sent = world.posts.borrow()[0].body.clone();
    let expected = format!(r#"{{"event":"e","data":{data}}}"#);
    assert_eq!(std::str::from_utf8(&sent).unwrap(), expected);
}

#[test]
fn firing_at_nobody_answers_an_empty_list() {
    let world = world_with(0);
    assert_eq!(fire(&world).text(), "[]\n");
}

#[test]
fn a_consumers_status_is_reported_whatever_it_is() {
    let world = world_with(3);
    world.consumer(&url(0), Consumer::Answers(500));
    world.consumer(&url(1), Consumer::Answers(302));
    world.consumer(&url(2), Consumer::RefusesConnections);
    let expected = json!([
        {"url": url(0), "status": 500, "milliseconds": 0},
        {"url": url(1), "status": 302, "milliseconds": 0},
        {"url": url(2), "error": "connect: connection refused", "milliseconds": 0},
    ]);
    assert_eq!(fire(&world).json(), expected);
}

#[test]
fn fifty_consumers_are_called_at_once() {
    let world = world_with(50);
    for number in 0..50 {
        let late = Consumer::AnswersAfter(Duration::from_millis(100), 200);
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
fn those_that_hang_are_cut_off_at_the_timeout_and_delay_nobody() {
    let world = world_with(50);
    world.set("outbound_timeout_ms", "1000");
    for number in (0..50).step_by(5) {
        world.consumer(&url(number), Consumer::Hangs);
        let late = Consumer::AnswersAfter(Duration::from_millis(700), 201);
        world.consumer(&url(number + 1), late);
    }
    let rows = rows(&fire(&world));
    assert_eq!(world.timeline.now(), Duration::from_millis(1000));
    for (number, row) in rows.iter().enumerate() {
        let expected = match number % 5 {
            0 => json!({
                "url": url(number),
                "error": "timeout: no answer before the firing's 1000 ms were over",
                "milliseconds": 1000,
            }),
            1 => json!({"url": url(number), "status": 201, "milliseconds": 700}),
            _ => json!({"url": url(number), "status": 200, "milliseconds": 0}),
        };
        assert_eq!(*row, expected);
    }
}

#[test]
fn more_consumers_than_may_be_called_at_once_take_turns() {
    let world = world_with(10);
    world.set("max_concurrency", "4");
    for number in 0..10 {
        let late = Consumer::AnswersAfter(Duration::from_millis(100), 200);
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
fn those_whose_turn_does_not_come_are_told_and_do_not_delay_the_answer() {
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
fn turns_are_drawn_anew_so_that_not_always_the_same_go_without() {
    let world = world_with(3);
    world.set("max_concurrency", "1");
    for number in 0..3 {
        world.consumer(&url(number), Consumer::Hangs);
    }
    // A consumer that is never the first of three in 200 draws: two in three, to the power of 200.
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
fn neither_answer_nor_log_hold_a_key_even_if_the_signer_repeats_it() {
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
fn the_log_tells_what_was_sent_and_what_came_back() {
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
