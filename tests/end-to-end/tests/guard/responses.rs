//! The app's response reaches the client unchanged.

use test_support::{Request, Running};

use crate::guarded::*;
use crate::signing::plain;

fn signed(app: &Running, path: &str) -> Request {
    plain(Request::post(app.url(path)), "")
}

#[tokio::test]
async fn status_headers_and_body_of_the_app_are_returned_unchanged() {
    let app = start(&probe("")).await;
    for code in [200, 201, 204, 302, 304, 400, 404, 418, 429, 500, 503] {
        let path = format!(
            "/status?code={code}&header=Set-Cookie:a=1&header=X-Two:2&header=Set-Cookie:b=2"
        );
        let reply = signed(&app, &path).send().await;
        assert_eq!(reply.status, code);
        let cookies: Vec<_> = reply.headers.get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a=1", "b=2"]);
        assert_eq!(reply.header("x-two"), Some("2"));
        assert_eq!(
            reply.header("content-type"),
            Some("text/plain; charset=utf-8")
        );
        if ![204, 304].contains(&code) {
            assert_eq!(reply.text(), format!("status {code}"));
        }
    }
}

#[tokio::test]
async fn a_response_is_streamed_while_the_app_is_writing_it() {
    let app = start(&probe("")).await;
    // The app takes ten minutes to write it.
    let mut response = signed(&app, "/stream?chunks=60000&size=3&ms=10")
        .open()
        .await
        .expect("a head");
    let first = response.next().await.expect("a chunk").expect("bytes");
    assert!(first.starts_with(b"000"), "{first:?}");
}

#[tokio::test]
async fn an_app_may_respond_while_it_reads() {
    let app = start(&probe("")).await;
    let body: Vec<u8> = (0..9 << 20).map(|n: u32| (n % 251) as u8).collect();
    let request = Request::post(app.url("/echo-body"));
    let reply = plain(request, body.clone()).send().await;
    assert!(reply.body == body, "{} bytes came back", reply.body.len());
}

#[tokio::test]
async fn an_app_may_respond_without_reading() {
    let app = start(&probe("")).await;
    let request = Request::post(app.url("/hello"));
    let reply = plain(request, vec![b'x'; 9 << 20]).send().await;
    assert_eq!((reply.status, reply.text().as_str()), (200, "hello"));
}

#[tokio::test]
async fn an_app_that_fails_is_a_500_and_the_next_request_is_served() {
    let app = start(&probe("")).await;
    for path in ["/trap", "/panic", "/no-response"] {
        let reply = signed(&app, path).send().await;
        assert_eq!(
            (reply.status, reply.body.len()),
            (500, 0),
            "{path}: {reply:?}"
        );
        assert_eq!(signed(&app, "/hello").send().await.text(), "hello");
    }
}

#[tokio::test]
async fn an_incomplete_response_does_not_look_complete() {
    let app = start(&probe("")).await;
    for path in incomplete() {
        // If the trap comes before the head was sent, the connection just ends.
        let Ok(response) = signed(&app, path).open().await else {
            continue;
        };
        let read = response.read().await;
        assert!(read.is_err(), "{path}: {read:?}");
    }
    if !runtime().is_spin() {
        app.stderr_has("component `probe` failed").await;
    }
}
