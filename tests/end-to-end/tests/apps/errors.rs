//! Every error response of the producer: its status, its code, and an unchanged table.

use serde_json::json;
use test_support::{Receiver, Reply, Request, raw};

use crate::producer::{self, Producer, assert_problem};

const MEBIBYTE: usize = 1 << 20;

#[tokio::test]
async fn an_invalid_registration_gets_its_code_and_changes_nothing() {
    let receiver = Receiver::start().await;
    let producer = Producer::start().await;
    producer.register(&receiver.url("/known"), "*").await;
    let registered = producer.list().await;
    receiver.forget();

    let url = receiver.url("/new");
    let cases = [
        ("", 400, "broken-json"),
        ("{", 400, "broken-json"),
        ("{\"url\": \"URL\", \"event\": \"*\",}", 400, "broken-json"),
        (
            "{\"url\": \"URL\", \"event\": \"*\"} {}",
            400,
            "broken-json",
        ),
        ("[]", 400, "not-an-object"),
        ("null", 400, "not-an-object"),
        (
            "{\"url\": \"URL\", \"event\": \"*\", \"event\": \"a\"}",
            400,
            "duplicate-field",
        ),
        ("{\"event\": \"*\"}", 400, "missing-field"),
        ("{\"url\": \"URL\"}", 400, "missing-field"),
        ("{\"url\": 7, \"event\": \"*\"}", 400, "bad-field"),
        ("{\"url\": \"URL\", \"event\": null}", 400, "bad-field"),
        (
            "{\"url\": \"URL\", \"event\": \"order*\"}",
            400,
            "bad-event",
        ),
        (
            "{\"url\": \"URL\", \"event\": \"*.shipped\"}",
            400,
            "bad-event",
        ),
        ("{\"url\": \"URL\", \"event\": \"a\\nb\"}", 400, "bad-event"),
    ];
    for (body, status, code) in cases {
        let request = Request::post(producer.0.url("/registrations"));
        let reply = request.json(body.replace("URL", &url)).send().await;
        assert_problem(&reply, status, code);
    }
    assert_eq!(producer.list().await, registered);
    assert!(receiver.requests().is_empty(), "no handshake was sent");
}

#[tokio::test]
async fn an_invalid_url_is_rejected() {
    let producer = Producer::start().await;
    let long = format!("http://c.example/{}", "a".repeat(2048));
    let cases = [
        ("", "bad-url"),
        ("target", "bad-url"),
        ("/target", "bad-url"),
        ("ftp://c.example/", "bad-url"),
        ("file:///etc/passwd", "bad-url"),
        ("javascript:alert(1)", "bad-url"),
        ("http://", "bad-url"),
        ("http://c.example:0/", "bad-url"),
        ("http://c.example:65536/", "bad-url"),
        ("http://user@c.example/", "bad-url"),
        ("http://user:secret@c.example/", "bad-url"),
        ("http://c.example/#part", "bad-url"),
        ("http://c.example/?handshake=true", "bad-url"),
        (long.as_str(), "bad-url"),
        ("http://self/", "refused-host"),
        ("http://self.alt/", "refused-host"),
        ("http://webhook-producer.spin.internal/", "refused-host"),
        ("http://169.254.169.254/latest/meta-data/", "refused-host"),
        ("http://2852039166/", "refused-host"),
        ("http://[::ffff:169.254.169.254]/", "refused-host"),
        ("http://metadata.google.internal/", "refused-host"),
    ];
    for (url, code) in cases {
        let reply = producer.try_register(url, "*").await;
        assert_problem(&reply, 400, code);
        assert!(!reply.text().contains("secret"), "{reply:?}");
    }
    assert_eq!(producer.list().await, json!([]));
}

#[tokio::test]
async fn private_hosts_are_rejected_unless_they_are_allowed() {
    let receiver = Receiver::start().await;
    let port = receiver.address().port();
    let urls = [
        "127.0.0.1",
        "localhost",
        "10.0.0.1",
        "[::1]",
        "0.0.0.0",
        "printer",
        "a.local",
    ];
    let urls = urls.map(|host| format!("http://{host}:{port}/target"));

    let app = producer::app();
    let open = Producer::of(&app).await;
    open.register(&urls[0], "*").await;
    open.0.stop().await;
    receiver.forget();

    let strict = Producer::of(&app.args(["--variable", "allow_private_hosts=false"])).await;
    for url in &urls {
        assert_problem(&strict.try_register(url, "*").await, 400, "refused-host");
    }
    // A host that was registered while it was allowed is no longer called either.
    let rows = strict.fire().await;
    let error = rows[0]["error"].as_str().unwrap_or_default();
    assert!(
        error.starts_with("plan: ") && error.contains("127.0.0.1"),
        "{rows:?}"
    );
    assert!(receiver.requests().is_empty());
}

#[tokio::test]
async fn a_body_of_another_type_or_size_is_rejected() {
    let receiver = Receiver::start().await;
    let producer = Producer::start().await;
    let good = json!({ "url": receiver.url("/new"), "event": "*" }).to_string();
    for path in ["/registrations", "/fire"] {
        let url = producer.0.url(path);
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/jsonx",
            "",
        ] {
            let request = Request::post(url.clone()).header("content-type", kind);
            let reply = request.body(good.clone()).send().await;
            assert_problem(&reply, 415, "unsupported-media-type");
        }
        let reply = Request::post(url.clone()).body(good.clone()).send().await;
        assert_problem(&reply, 415, "unsupported-media-type");
        let large = Request::post(url.clone())
            .json(vec![b' '; MEBIBYTE + 1])
            .send()
            .await;
        assert_problem(&large, 413, "body-too-large");
        let whole = Request::post(url).json(vec![b' '; MEBIBYTE]).send().await;
        assert_problem(&whole, 400, "broken-json");
    }
    assert!(receiver.requests().is_empty());
    assert_eq!(producer.list().await, json!([]));
}

#[tokio::test]
async fn a_body_of_unknown_length_has_the_same_limit() {
    let producer = Producer::start().await;
    let mut connection = raw::Connection::open(producer.0.address()).await;
    let head = "POST /fire HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    connection.send(head.as_bytes()).await;
    let chunk = [b"10001\r\n".as_slice(), &[b' '; 0x10001], b"\r\n"].concat();
    for _ in 0..16 {
        connection.send(&chunk).await;
    }
    // The body never ends, so only the limit can end the request.
    connection.read_until("body-too-large").await;
}

#[tokio::test]
async fn an_invalid_firing_gets_its_code_and_fires_nothing() {
    let receiver = Receiver::start().await;
    let producer = Producer::start().await;
    producer.register(&receiver.url("/known"), "*").await;
    receiver.forget();
    let cases = [
        ("{", 400, "broken-json"),
        ("\"order.shipped\"", 400, "not-an-object"),
        ("{\"event\": \"a\", \"date\": 1}", 400, "unknown-field"),
        (
            "{\"event\": \"a\", \"data\": 1, \"data\": 2}",
            400,
            "duplicate-field",
        ),
        ("{\"data\": 1}", 400, "missing-field"),
        ("{\"event\": \"a\"}", 400, "missing-field"),
        ("{\"event\": [], \"data\": 1}", 400, "bad-field"),
        ("{\"event\": \"\", \"data\": 1}", 400, "bad-event"),
        ("{\"event\": \"order.*\", \"data\": 1}", 400, "bad-event"),
    ];
    for (body, status, code) in cases {
        let reply = Request::post(producer.0.url("/fire"))
            .json(body)
            .send()
            .await;
        assert_problem(&reply, status, code);
    }
    assert!(receiver.requests().is_empty());
}

#[tokio::test]
async fn an_invalid_query_deletes_nothing() {
    let receiver = Receiver::start().await;
    let producer = Producer::start().await;
    let url = receiver.url("/known");
    producer.register(&url, "*").await;
    for (query, code) in [
        (format!("uri={url}"), "bad-query"),
        (format!("url={url}&url={url}"), "bad-query"),
        (format!("url={url}&all=true"), "bad-query"),
        ("all".to_owned(), "bad-query"),
        ("&".to_owned(), "bad-query"),
        (String::new(), "bad-query"),
        ("url=known".to_owned(), "bad-url"),
        ("url=".to_owned(), "bad-url"),
    ] {
        let request = Request::delete(producer.0.url(&format!("/registrations?{query}")));
        assert_problem(&request.send().await, 400, code);
    }
    let selector = json!({ "url": url }).to_string();
    for path in ["/registrations", "/registrations?all=true"] {
        let request = Request::delete(producer.0.url(path)).json(selector.clone());
        assert_problem(&request.send().await, 400, "bad-query");
    }
    assert_eq!(producer.urls().await, [url]);
}

#[tokio::test]
async fn unknown_paths_get_404_and_other_methods_405() {
    let producer = Producer::start().await;
    for path in [
        "/",
        "/registration",
        "/registrations//",
        "/registrations/1",
        "/Fire",
        "/fire/x",
    ] {
        assert_problem(
            &Request::get(producer.0.url(path)).send().await,
            404,
            "not-found",
        );
    }
    for (method, path, allowed) in [
        ("PUT", "/registrations", "GET, HEAD, POST, DELETE"),
        ("PATCH", "/registrations", "GET, HEAD, POST, DELETE"),
        ("GET", "/fire", "POST"),
        ("DELETE", "/fire", "POST"),
        ("POST", "/healthz", "GET, HEAD"),
    ] {
        let reply = Request::new(method, producer.0.url(path)).send().await;
        assert_problem(&reply, 405, "method-not-allowed");
        assert_eq!(reply.header("allow"), Some(allowed), "{method} {path}");
    }
}

async fn each_route(producer: &Producer) -> Vec<Reply> {
    let registration = json!({ "url": "http://c.example/", "event": "*" }).to_string();
    vec![
        Request::get(producer.0.url("/registrations")).send().await,
        Request::post(producer.0.url("/registrations"))
            .json(registration)
            .send()
            .await,
        Request::delete(producer.0.url("/registrations?all=true"))
            .send()
            .await,
        Request::post(producer.0.url("/fire")).send().await,
        Request::get(producer.0.url("/healthz")).send().await,
    ]
}

#[tokio::test]
async fn without_its_tables_the_producer_reports_that_they_are_missing() {
    let producer = Producer::of(&producer::without_tables()).await;
    for reply in each_route(&producer).await {
        assert_problem(&reply, 503, "store-unavailable");
    }
    let log = producer.0.log(producer::COMPONENT);
    assert!(log.contains("migrations.sql"), "{log}");
}

#[tokio::test]
async fn an_invalid_variable_is_named() {
    for variable in [
        "outbound_timeout_ms=soon",
        "max_concurrency=0",
        "allow_private_hosts=perhaps",
    ] {
        let producer = Producer::with(variable).await;
        let (name, _) = variable.split_once('=').expect("a value");
        for reply in each_route(&producer).await {
            assert_problem(&reply, 500, "bad-configuration");
            assert!(reply.text().contains(name), "{reply:?}");
        }
    }
}
