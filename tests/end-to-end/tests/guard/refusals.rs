//! Requests that the guard rejects: they get a problem document, and do not reach the app.

use test_support::{Reply, Request, Running};

use crate::guarded::*;
use crate::signing::{KEY, now, plain, standard, tag, wss};

/// Sends each request and checks its code, and that only an accepted request reaches the app.
async fn assert_rejected(app: &Running, cases: Vec<(Request, &str)>) {
    for (request, code) in cases {
        let reply = request.send().await;
        assert_problem(&reply, 400, code);
        assert_no_key(&reply);
    }
    let accepted = plain(Request::post(app.url("/accepted")), "");
    assert_eq!(accepted.send().await.status, 200);
    assert_eq!(reached(app), ["POST /accepted, 0 bytes"]);
    assert!(!app.stdout().contains(KEY) && !app.stderr().contains(KEY));
}

fn assert_no_key(reply: &Reply) {
    assert!(!reply.text().contains(KEY), "{reply:?}");
}

#[tokio::test]
async fn without_a_signature_nothing_is_forwarded_by_any_method_or_path() {
    let app = start(&app()).await;
    let mut cases = Vec::new();
    for method in [
        "GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PURGE",
    ] {
        for path in [
            "/",
            "/orders",
            "/webhook",
            "/webhook?handshake=true",
            "/healthz",
            "//",
            "/?a",
        ] {
            cases.push((Request::new(method, app.url(path)), "missing-header"));
        }
    }
    let head = Request::new("HEAD", app.url("/orders")).send().await;
    assert_eq!(head.status, 400);
    assert_rejected(&app, cases).await;
}

#[tokio::test]
async fn a_signature_of_another_body_or_key_is_rejected() {
    let app = start(&app()).await;
    let post = || Request::post(app.url("/orders"));
    let of_other_key = tag(b"body", &KEY.to_lowercase());
    let mut flipped = tag(b"body", KEY);
    let first = if flipped.starts_with('0') { "1" } else { "0" };
    flipped.replace_range(..1, first);
    let cases = vec![
        (
            post().header("x-signature", of_other_key).body("body"),
            "no-match",
        ),
        (
            post().header("x-signature", flipped).body("body"),
            "no-match",
        ),
        (
            post().header("x-signature", tag(b"body", KEY)).body("Body"),
            "no-match",
        ),
        (post().header("x-signature", tag(b"body", KEY)), "no-match"),
        (
            post().header("x-signature", tag(b"", KEY)).body("body"),
            "no-match",
        ),
        (
            Request::get(app.url("/")).header("x-signature", tag(b"x", KEY)),
            "no-match",
        ),
    ];
    assert_rejected(&app, cases).await;
}

#[tokio::test]
async fn malformed_signature_headers_are_rejected() {
    let app = start(&app()).await;
    let post = || Request::post(app.url("/orders")).body("body");
    let right = tag(b"body", KEY);
    let twice = post()
        .header("x-signature", &right)
        .header("x-signature", &right);
    let cases = vec![
        (twice, "malformed-header"),
        (post().header("x-signature", ""), "malformed-header"),
        (
            post().header("x-signature", &right[..63]),
            "malformed-header",
        ),
        (
            post().header("x-signature", format!("{right}, {right}")),
            "malformed-header",
        ),
        (
            post().header("x-signature", "\u{e9}".repeat(32)),
            "malformed-header",
        ),
        (
            post().header("x-wss-signature", right.to_lowercase()),
            "missing-header",
        ),
        (
            post().header("webhook-signature", "v9,AAAA"),
            "missing-header",
        ),
    ];
    assert_rejected(&app, cases).await;
}

#[tokio::test]
async fn a_stale_timestamp_is_rejected_despite_a_weaker_signature() {
    let app = start(&app()).await;
    let post = || Request::post(app.url("/orders"));
    let cases = vec![
        (wss(post(), now() - 1000, "body"), "too-old"),
        (wss(post(), now() + 1000, "body"), "too-new"),
        (
            wss(post(), now() - 1000, "body").header("x-signature", tag(b"body", KEY)),
            "too-old",
        ),
        (
            standard(post(), "evt_1", "body")
                .body("other")
                .header("x-signature", tag(b"other", KEY)),
            "no-match",
        ),
    ];
    assert_rejected(&app, cases).await;
}

#[tokio::test]
async fn a_guard_without_a_key_forwards_nothing() {
    let app = start(&example()).await;
    for key in ["", KEY] {
        let request = Request::post(app.url("/orders")).header("x-signature", tag(b"", key));
        assert_problem(&request.send().await, 400, "no-key");
    }
    assert_eq!(reached(&app), Vec::<String>::new());
}

#[tokio::test]
async fn by_default_the_guard_requires_standard() {
    let app = start(&with_variable(as_delivered(), "signing_key", KEY)).await;
    let post = || Request::post(app.url("/orders"));
    assert_problem(&plain(post(), "body").send().await, 400, "missing-header");
    assert_problem(
        &wss(post(), now(), "body").send().await,
        400,
        "missing-header",
    );
    assert_eq!(standard(post(), "evt_1", "body").send().await.status, 200);
    assert_eq!(reached(&app).len(), 1);
}
