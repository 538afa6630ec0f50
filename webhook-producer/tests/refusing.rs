//! Rejected requests: each with its status and code, before any consumer is called, and without a
//! change to the table.

#![cfg(not(target_family = "wasm"))]

mod world;

use world::{Call, World};

/// Creates a world with a registration that must not be lost.
fn world() -> World {
    let world = World::new();
    world.insert("http://kept.example/", "*", "a key");
    world.set("allow_private_hosts", "false");
    world
}

#[track_caller]
fn assert_refused(world: &World, call: Call, status: u16, code: &str) {
    let before = world.table();
    let reply = world.send(call);
    assert_eq!((reply.status(), reply.problem().as_str()), (status, code));
    assert_eq!(world.table(), before, "{code}");
    assert_eq!(world.posted(), 0, "{code}");
}

#[test]
fn a_registration_with_an_invalid_body_is_rejected() {
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
fn a_forbidden_host_is_rejected_even_if_private_ones_are_allowed() {
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
fn a_firing_with_an_invalid_body_is_rejected() {
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
fn a_body_that_is_not_declared_as_json_is_rejected() {
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
fn a_body_over_a_mebibyte_is_rejected() {
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
fn an_unknown_path_is_not_found() {
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
fn a_method_that_a_path_does_not_allow_gets_the_allowed_ones() {
    let cases = [
        ("/registrations", "PUT", "GET, HEAD, POST, DELETE"),
        ("/registrations", "PATCH", "GET, HEAD, POST, DELETE"),
        ("/fire", "GET", "POST"),
        ("/fire", "DELETE", "POST"),
        ("/healthz", "POST", "GET, HEAD"),
    ];
    for (path, method, allowed) in cases {
        let world = world();
        let reply = world.send(Call::new(method, path));
        assert_eq!(reply.status(), 405, "{method} {path}");
        assert_eq!(reply.problem(), "method-not-allowed");
        assert_eq!(reply.header("allow"), Some(allowed));
    }
}

#[test]
fn with_a_token_set_every_route_requires_it() {
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
            let reply = world.send(call);
            assert_eq!(reply.status(), 401, "{method} {path}");
            assert_eq!(reply.problem(), "unauthorized");
            let challenge = reply.header("www-authenticate").expect("a challenge");
            assert!(challenge.starts_with("Bearer "), "{challenge}");
            assert!(!reply.text().contains("s3cret"));
        }
        let call = Call::new(method, path).header("Authorization", "Bearer s3cret");
        assert_ne!(world.send(call).status(), 401, "{method} {path}");
    }
}

#[test]
fn a_probe_needs_no_token() {
    let world = world();
    world.set("api_token", "s3cret");
    for method in ["GET", "HEAD"] {
        for path in ["/healthz", "/healthz/"] {
            let probe = Call::new(method, path).host("10.1.2.3:3000");
            assert_eq!(world.send(probe).status(), 200, "{method} {path}");
        }
    }
}

#[test]
fn one_slash_at_the_end_is_ignored_and_head_is_handled_like_get() {
    let world = world();
    for (method, path, status) in [
        ("GET", "/registrations/", 200),
        ("HEAD", "/registrations", 200),
        ("HEAD", "/registrations/", 200),
        ("POST", "/fire/", 200),
        ("DELETE", "/registrations/?url=http://kept.example/", 200),
        ("HEAD", "/fire", 405),
    ] {
        let reply = world.send(Call::new(method, path));
        assert_eq!(reply.status(), status, "{method} {path}");
    }
}

/// The routes that do or show anything.
const ROUTES: [(&str, &str); 4] = [
    ("GET", "/registrations"),
    ("POST", "/registrations"),
    ("DELETE", "/registrations?all=true"),
    ("POST", "/fire"),
];

#[test]
fn without_a_token_web_pages_cannot_use_the_producer() {
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
        // A request as curl sends it.
        let plain = world().send(call().header("accept", "*/*"));
        assert_ne!(plain.status(), 403, "{method} {path}");
    }
}

#[test]
fn with_the_token_clients_may_be_anywhere() {
    let world = world();
    world.set("api_token", "s3cret");
    let call = Call::new("GET", "/registrations")
        .host("producer.example")
        .header("origin", "https://console.example")
        .header("authorization", "Bearer s3cret");
    assert_eq!(world.send(call).status(), 200);
}

#[test]
fn an_invalid_variable_is_named_by_every_route() {
    for path in ["/registrations", "/healthz"] {
        let world = world();
        world.set("max_concurrency", "many");
        let reply = world.send(Call::new("GET", path));
        assert_eq!(
            (reply.status(), reply.problem().as_str()),
            (500, "bad-configuration")
        );
        let detail = reply.json()["detail"].to_string();
        assert!(detail.contains("`max_concurrency`: `many`"), "{detail}");
    }
}

#[test]
fn health_depends_on_the_table() {
    let healthy = world().send(Call::new("GET", "/healthz"));
    assert_eq!(
        (healthy.status(), healthy.text().as_str()),
        (200, "{\"status\":\"ok\"}\n")
    );
    let world = World::without_table();
    let reply = world.send(Call::new("GET", "/healthz"));
    assert_eq!(
        (reply.status(), reply.problem().as_str()),
        (503, "store-unavailable")
    );
    assert!(
        !reply.text().contains("no such table"),
        "the reason is only logged"
    );
}

#[test]
fn every_route_that_needs_the_table_reports_that_it_is_missing() {
    let routes = [
        ("GET", "/registrations"),
        ("DELETE", "/registrations?all=true"),
        ("POST", "/fire"),
    ];
    for (method, path) in routes {
        let reply = World::without_table().send(Call::new(method, path));
        assert_eq!(
            (reply.status(), reply.problem().as_str()),
            (503, "store-unavailable")
        );
    }
}
