//! What is refused: each with its status and code, before anybody is called, and with the table
//! left as it was.

#![cfg(not(target_family = "wasm"))]

mod world;

use world::{Call, World};

/// A world with something in it to lose.
fn world() -> World {
    let world = World::new();
    world.insert("http://kept.example/", "*", "a key");
    world.set("allow_private_hosts", "false");
    world
}

#[track_caller]
fn assert_refused(world: &World, call: Call, status: u16, code: &str) {
    let before = world.table();
    let answer = world.answer(call);
    assert_eq!((answer.status(), answer.problem().as_str()), (status, code));
    assert_eq!(world.table(), before, "{code}");
    assert_eq!(world.posted(), 0, "{code}");
}

#[test]
fn a_registration_with_a_wrong_body_is_refused() {
    let cases = [
        (
            r#"{"url": "http://c.example/", "event": "e""#,
            "broken-json",
        ),
        ("", "broken-json"),
        ("[]", "not-an-object"),
        (
            r#"{"url": "http://c.example/", "url": "http://d.example/", "event": "e"}"#,
            "duplicate-field",
        ),
        (r#"{"url": "http://c.example/"}"#, "missing-field"),
        (r#"{"event": "e"}"#, "missing-field"),
        (r#"{"url": null, "event": "e"}"#, "bad-field"),
        (
            r#"{"url": "http://c.example/", "event": ["e"]}"#,
            "bad-field",
        ),
        (
            r#"{"url": "http://c.example/", "event": "a*b"}"#,
            "bad-event",
        ),
        (r#"{"url": "c.example", "event": "e"}"#, "bad-url"),
        (r#"{"url": "ftp://c.example/", "event": "e"}"#, "bad-url"),
        (
            r#"{"url": "http://user:pw@c.example/", "event": "e"}"#,
            "bad-url",
        ),
        (
            r#"{"url": "http://self/fire", "event": "e"}"#,
            "refused-host",
        ),
        (
            r#"{"url": "http://127.0.0.1/", "event": "e"}"#,
            "refused-host",
        ),
    ];
    for (body, code) in cases {
        let call = Call::new("POST", "/registrations").json(body);
        assert_refused(&world(), call, 400, code);
    }
}

#[test]
fn a_forbidden_host_is_refused_even_where_private_ones_are_allowed() {
    let world = world();
    world.set("allow_private_hosts", "true");
    for host in [
        "self",
        "app.spin.internal",
        "169.254.169.254",
        "[::ffff:a9fe:a9fe]",
    ] {
        let body = format!(r#"{{"url": "http://{host}/", "event": "e"}}"#);
        let call = Call::new("POST", "/registrations").json(&body);
        assert_refused(&world, call, 400, "refused-host");
    }
}

#[test]
fn a_firing_with_a_wrong_body_is_refused() {
    let cases = [
        ("{", "broken-json"),
        (" ", "broken-json"),
        ("null", "not-an-object"),
        (r#"{"event": "e", "data": 1, "to": "c"}"#, "unknown-field"),
        (r#"{"event": "e", "data": 1, "data": 2}"#, "duplicate-field"),
        ("{}", "missing-field"),
        (r#"{"event": "e"}"#, "missing-field"),
        (r#"{"data": 1}"#, "missing-field"),
        (r#"{"event": 7, "data": 1}"#, "bad-field"),
        (r#"{"event": "order.*", "data": 1}"#, "bad-event"),
    ];
    for (body, code) in cases {
        assert_refused(&world(), Call::new("POST", "/fire").json(body), 400, code);
    }
}

#[test]
fn a_body_that_is_not_declared_to_be_json_is_refused() {
    for path in ["/registrations", "/fire"] {
        for declared in [
            None,
            Some("text/plain"),
            Some("application/x-www-form-urlencoded"),
        ] {
            let call = Call::new("POST", path).body(r#"{"event": "e", "data": 1}"#);
            let call = match declared {
                Some(declared) => call.header("content-type", declared),
                None => call,
            };
            assert_refused(&world(), call, 415, "unsupported-media-type");
        }
    }
}

#[test]
fn a_body_over_a_mebibyte_is_refused() {
    for path in ["/registrations", "/fire"] {
        let body = format!(r#"{{"event": "e", "data": "{}"}}"#, "x".repeat(1024 * 1024));
        assert_refused(
            &world(),
            Call::new("POST", path).json(&body),
            413,
            "body-too-large",
        );
    }
}

#[test]
fn a_path_nobody_serves_is_not_found() {
    for path in [
        "/",
        "/registration",
        "/registrations//",
        "/Fire",
        "/fire/x",
        "/fire//",
        "//fire",
        "",
    ] {
        assert_refused(&world(), Call::new("POST", path), 404, "not-found");
    }
}

#[test]
fn a_method_the_path_does_not_have_is_answered_with_those_it_has() {
    let cases = [
        ("/registrations", "PUT", "GET, HEAD, POST, DELETE"),
        ("/registrations", "PATCH", "GET, HEAD, POST, DELETE"),
        ("/fire", "GET", "POST"),
        ("/fire", "DELETE", "POST"),
        ("/healthz", "POST", "GET, HEAD"),
    ];
    for (path, method, allowed) in cases {
        let world = world();
        let answer = world.answer(Call::new(method, path));
        assert_eq!(answer.status(), 405, "{method} {path}");
        assert_eq!(answer.problem(), "method-not-allowed");
        assert_eq!(answer.header("allow"), Some(allowed));
    }
}

#[test]
fn with_a_token_set_every_route_wants_it() {
    let world = world();
    world.set("api_token", "s3cret");
    let routes = [
        ("GET", "/registrations"),
        ("POST", "/registrations"),
        ("DELETE", "/registrations"),
        ("POST", "/fire"),
        ("POST", "/healthz"),
        ("GET", "/fire"),
        ("GET", "/nothing"),
    ];
    for (method, path) in routes {
        for token in [None, Some("Bearer wrong"), Some("Basic s3cret")] {
            let call = match token {
                Some(token) => Call::new(method, path).header("authorization", token),
                None => Call::new(method, path),
            };
            let answer = world.answer(call);
            assert_eq!(answer.status(), 401, "{method} {path}");
            assert_eq!(answer.problem(), "unauthorized");
            let challenge = answer.header("www-authenticate").expect("a challenge");
            assert!(challenge.starts_with("Bearer "), "{challenge}");
            assert!(!answer.text().contains("s3cret"));
        }
        let call = Call::new(method, path).header("Authorization", "Bearer s3cret");
        assert_ne!(world.answer(call).status(), 401, "{method} {path}");
    }
}

#[test]
fn a_probe_needs_no_token() {
    let world = world();
    world.set("api_token", "s3cret");
    for method in ["GET", "HEAD"] {
        for path in ["/healthz", "/healthz/"] {
            let probe = Call::new(method, path).host("10.1.2.3:3000");
            assert_eq!(world.answer(probe).status(), 200, "{method} {path}");
        }
    }
}

#[test]
fn one_slash_at_the_end_and_head_for_get_make_no_difference() {
    let world = world();
    for (method, path, status) in [
        ("GET", "/registrations/", 200),
        ("HEAD", "/registrations", 200),
        ("HEAD", "/registrations/", 200),
        ("POST", "/fire/", 200),
        ("DELETE", "/registrations/?url=http://kept.example/", 200),
        ("HEAD", "/fire", 405),
    ] {
        let answer = world.answer(Call::new(method, path));
        assert_eq!(answer.status(), status, "{method} {path}");
    }
}

/// Every route that does or shows anything.
const ROUTES: [(&str, &str); 4] = [
    ("GET", "/registrations"),
    ("POST", "/registrations"),
    ("DELETE", "/registrations?all=true"),
    ("POST", "/fire"),
];

#[test]
fn without_a_token_no_page_of_a_browser_drives_the_producer() {
    for (method, path) in ROUTES {
        let call = || Call::new(method, path);
        assert_refused(
            &world(),
            call().host("attacker.example:3000"),
            403,
            "host-refused",
        );
        for (name, value) in [
            ("origin", "http://attacker.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
        ] {
            assert_refused(&world(), call().header(name, value), 403, "cross-site");
        }
        // As curl sends it.
        let plain = world().answer(call().header("accept", "*/*"));
        assert_ne!(plain.status(), 403, "{method} {path}");
    }
}

#[test]
fn with_the_token_a_client_may_be_anywhere() {
    let world = world();
    world.set("api_token", "s3cret");
    let call = Call::new("GET", "/registrations")
        .host("producer.example")
        .header("origin", "https://console.example")
        .header("authorization", "Bearer s3cret");
    assert_eq!(world.answer(call).status(), 200);
}

#[test]
fn a_variable_that_means_nothing_is_named_by_every_route() {
    for path in ["/registrations", "/healthz"] {
        let world = world();
        world.set("max_concurrency", "many");
        let answer = world.answer(Call::new("GET", path));
        assert_eq!(
            (answer.status(), answer.problem().as_str()),
            (500, "bad-configuration")
        );
        let detail = answer.json()["detail"].to_string();
        assert!(detail.contains("`max_concurrency`: `many`"), "{detail}");
    }
}

#[test]
fn health_is_the_tables() {
    let healthy = world().answer(Call::new("GET", "/healthz"));
    assert_eq!(
        (healthy.status(), healthy.text().as_str()),
        (200, "{\"status\":\"ok\"}\n")
    );
    let world = World::without_table();
    let answer = world.answer(Call::new("GET", "/healthz"));
    assert_eq!(
        (answer.status(), answer.problem().as_str()),
        (503, "store-unavailable")
    );
    assert!(
        !answer.text().contains("no such table"),
        "the log's, not the client's"
    );
}

#[test]
fn without_the_table_every_route_that_needs_it_says_so() {
    let routes = [
        ("GET", "/registrations"),
        ("DELETE", "/registrations?all=true"),
        ("POST", "/fire"),
    ];
    for (method, path) in routes {
        let answer = World::without_table().answer(Call::new(method, path));
        assert_eq!(
            (answer.status(), answer.problem().as_str()),
            (503, "store-unavailable")
        );
    }
}
