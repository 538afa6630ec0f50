//! Every error response of the consumer: its status and its code.

use serde_json::json;
use test_support::Request;

use crate::consumer::{Consumer, KEY, VERIFIED, tag};
use crate::producer::assert_problem;

#[tokio::test]
async fn a_delivery_before_the_first_handshake_is_rejected() {
    let consumer = Consumer::start().await;
    assert_problem(
        &consumer.deliver(b"{}", &tag(b"{}", KEY)).await,
        400,
        "no-key",
    );
    assert_problem(
        &consumer.deliver(b"{}", &tag(b"{}", "")).await,
        400,
        "no-key",
    );
}

#[tokio::test]
async fn an_invalid_signature_gets_its_code() {
    let consumer = Consumer::start().await;
    consumer.handshake(KEY).await;
    let tag = tag(b"{}", KEY);
    let own = |value: &str| value.to_owned();
    let cases: Vec<(Vec<(&str, String)>, &str)> = vec![
        (vec![], "missing-header"),
        (vec![("x-signatur", tag.clone())], "missing-header"),
        (vec![("x-wss-signature", tag.clone())], "missing-header"),
        (vec![("webhook-signature", own("v1,abc"))], "missing-header"),
        (
            vec![("x-signature", tag.clone()), ("x-signature", tag.clone())],
            "malformed-header",
        ),
        (vec![("x-signature", own(""))], "malformed-header"),
        (vec![("x-signature", own(&tag[..62]))], "malformed-header"),
        (vec![("x-signature", own(&tag[..63]))], "malformed-header"),
        (
            vec![("x-signature", format!("{tag}00"))],
            "malformed-header",
        ),
        (
            vec![("x-signature", format!("sha256={tag}"))],
            "malformed-header",
        ),
        (
            vec![("x-signature", format!("{tag},{tag}"))],
            "malformed-header",
        ),
        (
            vec![(
                "x-signature",
                tag.replace(|c: char| c.is_ascii_digit(), "g"),
            )],
            "malformed-header",
        ),
        (vec![("x-signature", "0".repeat(64))], "no-match"),
    ];
    for (headers, code) in cases {
        let mut request = Request::post(consumer.target());
        for (name, value) in &headers {
            request = request.header(name, value);
        }
        let reply = request.json("{}").send().await;
        assert_problem(&reply, 400, code);
    }
    assert_eq!(consumer.deliver(b"{}", &tag).await.text(), VERIFIED);
}

#[tokio::test]
async fn an_invalid_handshake_does_not_change_the_key() {
    let consumer = Consumer::start().await;
    consumer.handshake(KEY).await;
    let too_long = format!("{{\"keyData\": \"{}\"}}", "k".repeat(257));
    let cases = [
        ("", 400, "broken-json"),
        ("{\"keyData\": ", 400, "broken-json"),
        ("{\"keyData\": \"kkkkkkkkkkkkkkkk\"}}", 400, "broken-json"),
        ("[]", 400, "not-a-handshake"),
        ("{}", 400, "not-a-handshake"),
        ("{\"keyData\": 1}", 400, "not-a-handshake"),
        ("{\"keyData\": \"\"}", 400, "key-length"),
        ("{\"keyData\": \"kkkkkkkkkkkkkkk\"}", 400, "key-length"),
        ("{\"keyData\": \"whsec_c2hvcnQgYnkgZmFy\"}", 400, "bad-key"),
        (
            "{\"keyData\": \"WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"}",
            400,
            "bad-key",
        ),
        (too_long.as_str(), 400, "key-length"),
    ];
    let url = consumer.0.url("/target?handshake=true");
    for (body, status, code) in cases {
        let reply = Request::post(url.clone())
            .json(body.to_owned())
            .send()
            .await;
        assert_problem(&reply, status, code);
    }
    let large = Request::post(url).json(vec![b' '; 4097]).send().await;
    assert_problem(&large, 413, "body-too-long");
    assert_eq!(consumer.deliver(b"{}", &tag(b"{}", KEY)).await.status, 200);
}

#[tokio::test]
async fn a_delivery_of_ten_mebibytes_is_verified_and_a_longer_one_rejected() {
    let consumer = Consumer::start().await;
    consumer.handshake(KEY).await;
    let mut body = vec![b'x'; 10 << 20];
    assert_eq!(consumer.deliver(&body, &tag(&body, KEY)).await.status, 200);
    body.push(b'x');
    let reply = consumer.deliver(&body, &tag(&body, KEY)).await;
    assert_problem(&reply, 413, "body-too-long");
}

#[tokio::test]
async fn unknown_paths_get_404_and_other_methods_405() {
    let consumer = Consumer::start().await;
    for path in [
        "/",
        "/targets",
        "/target//",
        "/TARGET",
        "/target/x?handshake=true",
    ] {
        let reply = Request::post(consumer.0.url(path)).send().await;
        assert_problem(&reply, 404, "not-found");
    }
    for (method, path, allowed) in [
        ("GET", "/target", "POST"),
        ("GET", "/target?handshake=true", "POST"),
        ("PUT", "/target", "POST"),
        ("POST", "/healthz", "GET, HEAD"),
    ] {
        let reply = Request::new(method, consumer.0.url(path)).send().await;
        assert_problem(&reply, 405, "method-not-allowed");
        assert_eq!(reply.header("allow"), Some(allowed), "{method} {path}");
    }
    for path in ["/healthz", "/healthz/"] {
        let health = Request::get(consumer.0.url(path)).send().await;
        assert_eq!((health.status, health.text().as_str()), (200, "ok"));
        let health = Request::new("HEAD", consumer.0.url(path)).send().await;
        assert_eq!((health.status, health.body.len()), (200, 0));
    }
}

#[tokio::test]
async fn a_request_is_a_handshake_only_if_the_query_says_true() {
    let consumer = Consumer::start().await;
    let body = json!({ "keyData": KEY }).to_string();
    for query in [
        "",
        "?handshake",
        "?handshake=false",
        "?handshake=1",
        "?handshake=TRUE",
    ] {
        let url = consumer.0.url(&format!("/target{query}"));
        let reply = Request::post(url).json(body.clone()).send().await;
        assert_problem(&reply, 400, "missing-header");
    }
    assert_problem(
        &consumer.deliver(b"{}", &tag(b"{}", KEY)).await,
        400,
        "no-key",
    );
}
