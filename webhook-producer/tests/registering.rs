//! Registration, listing and deletion of consumers.

#![cfg(not(target_family = "wasm"))]

mod world;

use serde_json::{Value, json};
use webhook_producer::platform::Clock;
use world::{Call, Consumer, MIGRATIONS, Meanwhile, World};

test_support::on_every_store!(
    a_consumer_that_accepts_the_handshake_is_registered_with_its_key,
    a_redacted_url_is_not_registered,
    a_handshake_is_a_json_request_to_the_url_with_one_more_parameter,
    any_2xx_accepts_a_handshake_and_any_other_status_rejects_it,
    registering_again_replaces_key_and_event,
    a_failed_handshake_does_not_change_the_table,
    a_handshake_is_aborted_at_the_timeout,
    of_two_concurrent_registrations_the_second_one_to_finish_gets_a_conflict,
    a_registration_deleted_during_its_renewal_is_created_again,
    the_list_has_everything_except_the_keys,
    one_registration_or_all_can_be_deleted,
    a_registration_can_be_deleted_when_its_host_is_no_longer_allowed,
    an_invalid_selection_deletes_nothing,
    no_response_contains_the_token_of_a_url_and_redacted_urls_can_be_deleted,
    unknown_fields_of_a_registration_are_ignored_and_an_empty_event_stands_for_all,
    a_response_ends_with_a_line_feed,
    the_log_has_the_fingerprint_of_a_handshake_but_neither_key_nor_token,
);

const URL: &str = "http://consumer.example/target";

fn key_in_handshake(world: &World, index: usize) -> String {
    let body: Value = serde_json::from_slice(&world.posts.borrow()[index].body).unwrap();
    body["keyData"].as_str().expect("keyData").to_owned()
}

#[test]
fn a_consumer_that_accepts_the_handshake_is_registered_with_its_key() {
    let world = World::new();
    let reply = world.register(URL, "order.*");
    let key = key_in_handshake(&world, 0);
    assert_eq!(reply.status(), 201);
    let expected = json!({"url": URL, "event": "order.*", "signingKey": key});
    assert_eq!(reply.json(), expected);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(key.len(), 36);
    assert!(key.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert_eq!(world.table()[0][..3], [URL, "order.*", &key]);
}

#[test]
fn a_redacted_url_is_not_registered() {
    let world = World::new();
    let reply = world.register("http://consumer.example/target?token=***", "*");
    assert_eq!(reply.status(), 400);
    assert!(reply.text().contains("`***`"), "{}", reply.text());
    assert_eq!((world.table().len(), world.posts.borrow().len()), (0, 0));
}

#[test]
fn a_handshake_is_a_json_request_to_the_url_with_one_more_parameter() {
    let world = World::new();
    world.register("http://consumer.example/target?token=t%2F1&x", "*");
    let posts = world.posts.borrow();
    assert_eq!(
        posts[0].url.as_str(),
        "http://consumer.example/target?token=t%2F1&x&handshake=true"
    );
    let content_type = ("content-type".to_owned(), "application/json".to_owned());
    assert_eq!(posts[0].headers, [content_type]);
    let body: Value = serde_json::from_slice(&posts[0].body).unwrap();
    assert_eq!(body.as_object().unwrap().len(), 1);
}

#[test]
fn any_2xx_accepts_a_handshake_and_any_other_status_rejects_it() {
    for status in [200, 202, 204, 299] {
        let world = World::new();
        world.consumer(URL, Consumer::Responds(status));
        assert_eq!(world.register(URL, "e").status(), 201, "{status}");
    }
    for status in [199, 300, 302, 400, 403, 404, 500, 503] {
        let world = World::new();
        world.consumer(URL, Consumer::Responds(status));
        let reply = world.register(URL, "e");
        assert_eq!(reply.status(), 502, "{status}");
        assert_eq!(reply.problem(), "handshake-refused", "{status}");
        assert_eq!(world.table().len(), 0, "{status}");
    }
}

#[test]
fn registering_again_replaces_key_and_event() {
    let world = World::new();
    let first = world.register(URL, "order.*").json();
    // The same URL in another spelling.
    let second = world.register("HTTP://Consumer.EXAMPLE:80/x/../target", "*");
    assert_eq!(second.status(), 200);
    let key = key_in_handshake(&world, 1);
    let expected = json!({"url": URL, "event": "*", "signingKey": key});
    assert_eq!(second.json(), expected);
    assert_ne!(first["signingKey"], second.json()["signingKey"]);
    assert_eq!(world.table().len(), 1);
    assert_eq!(world.table()[0][..3], [URL, "*", &key]);
}

#[test]
fn a_failed_handshake_does_not_change_the_table() {
    let failures = [
        (Consumer::Responds(403), "handshake-refused"),
        (Consumer::Hangs, "handshake-timeout"),
        (Consumer::RefusesConnections, "consumer-unreachable"),
    ];
    for (behaviour, code) in failures {
        let world = World::new();
        world.consumer(URL, behaviour);
        let reply = world.register(URL, "e");
        assert_eq!((reply.status(), reply.problem().as_str()), (502, code));
        assert_eq!(world.table().len(), 0, "{code}");

        world.insert(URL, "order.*", "the old key");
        let before = world.table();
        let reply = world.register(URL, "e");
        assert_eq!((reply.status(), reply.problem().as_str()), (502, code));
        assert_eq!(world.table(), before, "{code}");
    }
}

#[test]
fn a_handshake_is_aborted_at_the_timeout() {
    let world = World::new();
    world.set("outbound_timeout_ms", "250");
    world.consumer(URL, Consumer::Hangs);
    let reply = world.register(URL, "e");
    assert_eq!(reply.json()["detail"], "no response within 250 ms");
    assert_eq!(world.timeline.now().as_millis(), 250);
}

#[test]
fn of_two_concurrent_registrations_the_second_one_to_finish_gets_a_conflict() {
    let world = World::new();
    *world.meanwhile.borrow_mut() = Some(Meanwhile::Registers(URL));
    let reply = world.register(URL, "e");
    assert_eq!(reply.status(), 409);
    assert_eq!(reply.problem(), "registration-conflict");
    assert_eq!(world.table()[0][2], "another key 1");

    let reply = world.register(URL, "e");
    assert_eq!(reply.problem(), "registration-conflict");
    assert_eq!(world.table()[0][2], "another key 2");
}

#[test]
fn a_registration_deleted_during_its_renewal_is_created_again() {
    let world = World::new();
    world.insert(URL, "e", "the old key");
    *world.meanwhile.borrow_mut() = Some(Meanwhile::DeletesAll);
    assert_eq!(world.register(URL, "e").status(), 200);
    assert_eq!(world.table()[0][2], key_in_handshake(&world, 0));
}

#[test]
fn without_the_table_no_consumer_is_called() {
    let world = World::without_table();
    let reply = world.register(URL, "e");
    assert_eq!(reply.status(), 503);
    assert_eq!(reply.problem(), "store-unavailable");
    assert_eq!(world.posted(), 0);
    assert!(reply.text().contains("migrations.sql"), "{}", reply.text());
}

#[test]
fn the_list_has_everything_except_the_keys() {
    let world = World::new();
    assert_eq!(
        world.send(Call::new("GET", "/registrations")).text(),
        "[]\n"
    );
    world.register(URL, "order.*");
    world.register("http://other.example/", "*");
    let reply = world.send(Call::new("GET", "/registrations"));
    assert_eq!(reply.status(), 200);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let list = reply.json();
    let urls: Vec<&Value> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["url"])
        .collect();
    assert_eq!(urls, [URL, "http://other.example/"]);
    assert_eq!(list[0]["event"], "order.*");
    let members: Vec<&String> = list[0].as_object().unwrap().keys().collect();
    assert_eq!(members, ["createdAt", "event", "updatedAt", "url"]);
    for row in world.table() {
        assert!(!reply.text().contains(&row[2]));
    }
}

#[test]
fn one_registration_or_all_can_be_deleted() {
    let world = World::new();
    for url in [
        URL,
        "http://other.example/?token=a%26b",
        "http://third.example/",
    ] {
        world.register(url, "*");
    }
    let one = "/registrations?url=HTTP%3A%2F%2Fother.example%3Ftoken%3Da%2526b";
    assert_eq!(
        world.send(Call::new("DELETE", one)).json(),
        json!({"deleted": 1})
    );
    assert_eq!(
        world.send(Call::new("DELETE", one)).json(),
        json!({"deleted": 0})
    );
    assert_eq!(world.table().len(), 2);
    let all = world.send(Call::new("DELETE", "/registrations?all=true"));
    assert_eq!((all.status(), all.json()), (200, json!({"deleted": 2})));
    assert_eq!(world.table().len(), 0);
}

#[test]
fn a_registration_can_be_deleted_when_its_host_is_no_longer_allowed() {
    let world = World::new();
    world.register("http://localhost:3002/", "*");
    world.set("allow_private_hosts", "false");
    let target = "/registrations?url=http://localhost:3002/";
    assert_eq!(
        world.send(Call::new("DELETE", target)).json(),
        json!({"deleted": 1})
    );
}

#[test]
fn an_invalid_selection_deletes_nothing() {
    let queries = [
        ("", "bad-query"),
        ("&", "bad-query"),
        ("ulr=http://consumer.example/target", "bad-query"),
        ("url=http://consumer.example/target?a=1&b=2", "bad-query"),
        (
            "url=http://consumer.example/target&url=http://other.example/",
            "bad-query",
        ),
        ("url=http://consumer.example/target&all=true", "bad-query"),
        ("all", "bad-query"),
        ("all=1", "bad-query"),
        ("all=TRUE", "bad-query"),
        ("all=true&all=true", "bad-query"),
        ("url=", "bad-url"),
        ("url=consumer", "bad-url"),
    ];
    let world = World::new();
    world.register(URL, "*");
    let refused = |call: Call, code: &str| {
        let reply = world.send(call);
        assert_eq!((reply.status(), reply.problem().as_str()), (400, code));
        assert_eq!(world.table().len(), 1);
    };
    refused(Call::new("DELETE", "/registrations"), "bad-query");
    for (query, code) in queries {
        refused(
            Call::new("DELETE", &format!("/registrations?{query}")),
            code,
        );
    }
    let body = json!({ "url": URL }).to_string();
    for target in [
        "/registrations",
        "/registrations?&",
        "/registrations?all=true",
    ] {
        refused(Call::new("DELETE", target).json(&body), "bad-query");
        refused(Call::new("DELETE", target).body(body.clone()), "bad-query");
    }
}

#[test]
fn no_response_contains_the_token_of_a_url_and_redacted_urls_can_be_deleted() {
    let world = World::new();
    let url = "http://consumer.example/target?token=s3cret&a=1";
    let shown = "http://consumer.example/target?token=***&a=1";
    let registered = world.register(url, "*");
    assert_eq!(registered.json()["url"], shown);
    let list = world.send(Call::new("GET", "/registrations"));
    assert_eq!(list.json()[0]["url"], shown);
    assert_eq!(world.table()[0][0], url, "the stored URL has its token");

    let same = "http://consumer.example/target?token=other&a=1";
    world.register(same, "*");
    let by_shown =
        "/registrations?url=http%3A%2F%2Fconsumer.example%2Ftarget%3Ftoken%3D***%26a%3D1";
    let ambiguous = world.send(Call::new("DELETE", by_shown));
    assert_eq!(ambiguous.problem(), "bad-query");
    assert_eq!(world.table().len(), 2);
    let by_url = by_shown.replace("***", "other");
    assert_eq!(
        world.send(Call::new("DELETE", &by_url)).json(),
        json!({"deleted": 1})
    );
    assert_eq!(
        world.send(Call::new("DELETE", by_shown)).json(),
        json!({"deleted": 1})
    );
    assert!(world.table().is_empty());
}

#[test]
fn unknown_fields_of_a_registration_are_ignored_and_an_empty_event_stands_for_all() {
    let world = World::new();
    let body = json!({"url": URL, "event": "", "name": "shop", "retries": {"max": 3}});
    let reply = world.send(Call::new("POST", "/registrations").json(&body.to_string()));
    assert_eq!((reply.status(), &reply.json()["event"]), (201, &json!("*")));
    assert_eq!(world.table()[0][1], "*");
}

#[test]
fn a_response_ends_with_a_line_feed() {
    let world = World::new();
    let replies = [
        world.register(URL, "*"),
        world.send(Call::new("GET", "/registrations")),
        world.send(Call::new("POST", "/fire")),
        world.send(Call::new("GET", "/healthz")),
        world.send(Call::new("GET", "/nothing")),
    ];
    for reply in replies {
        let text = reply.text();
        assert!(text.ends_with("}\n") || text.ends_with("]\n"), "{text:?}");
    }
}

#[test]
fn the_log_has_the_fingerprint_of_a_handshake_but_neither_key_nor_token() {
    let world = World::new();
    let reply = world.register("http://consumer.example/target?token=s3cret", "*");
    let key = reply.json()["signingKey"].as_str().unwrap().to_owned();
    let fingerprint = webhook_producer::key::SigningKey::from_text(key.clone()).fingerprint();
    let expected = format!(
        "PRODUCER: Invoking CONSUMER http://consumer.example/target for verification (handshake) \
         along with random key data (fingerprint {fingerprint})\n\
         PRODUCER: Handshake with CONSUMER was successful."
    );
    assert_eq!(world.logged(), expected);
}

#[test]
fn the_migrations_can_run_again_over_a_table_in_use() {
    let world = World::new();
    world.register(URL, "*");
    let before = world.table();
    world.database.execute_batch(MIGRATIONS).unwrap();
    assert_eq!(world.table(), before);
}
