//! An accepted request reaches the app unchanged.

use test_support::{Request, raw};

use crate::guarded::*;
use crate::signing::{KEY, now, plain, standard, tag, wss};

/// The maximum size of a body: 10 MiB.
const LIMIT: usize = 10 << 20;

/// Returns the headers without the length of the body.
fn without_length(headers: &[(String, Vec<u8>)]) -> Vec<(String, Vec<u8>)> {
    let mut headers = headers.to_vec();
    headers.retain(|(name, _)| name != "content-length");
    headers
}

#[tokio::test]
async fn a_signed_request_reaches_the_app_byte_for_byte() {
    let app = start(&app()).await;
    let body = b"\x00\xff\r\n\r\n{\"not\": \"UTF-8 \xc3\x28\"}";
    let signature = tag(body, KEY);
    let head = format!(
        "PATCH /a%20b/../c//d;e=f?x=1&x=2&y=%C3%A9&empty=&z#no HTTP/1.1\r\n\
         Host: shop.example:8080\r\n\
         X-Order: second\r\n\
         Cookie: a=1; b=2\r\n\
         X-Signature: {signature}\r\n\
         Authorization: Bearer of things\r\n\
         X-Order: first\r\n\
         X-Empty:\r\n\
         X-Utf8: h\u{e9}\u{2713}\r\n\
         X-Order: second\r\n\
         Forwarded: for=192.0.2.1\r\n\
         Content-Type: application/vnd.shop+json; charset=\"utf-8\"\r\n\
         Connection: close\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    let response = exchange(app.address(), &[head.as_bytes(), body].concat()).await;
    let received = ReceivedRequest::of_bytes(&response);
    // Servers never see the part behind `#`.
    assert_eq!(
        received.line,
        "PATCH /a%20b/../c//d;e=f?x=1&x=2&y=%C3%A9&empty=&z"
    );
    let expected = [
        ("authorization", "Bearer of things"),
        ("content-length", "25"),
        (
            "content-type",
            "application/vnd.shop+json; charset=\"utf-8\"",
        ),
        ("cookie", "a=1; b=2"),
        ("forwarded", "for=192.0.2.1"),
        ("x-empty", ""),
        ("x-order", "second"),
        ("x-order", "first"),
        ("x-order", "second"),
        ("x-signature", &signature),
        ("x-utf8", "h\u{e9}\u{2713}"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
    assert_eq!(received.headers, expected);
    assert_eq!(received.body, body);
}

/// Sends a request and returns the body of its response, which must be chunked.
async fn exchange(address: std::net::SocketAddr, request: &[u8]) -> Vec<u8> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address)
        .await
        .expect("it listens");
    stream.write_all(request).await.expect("it reads");
    let mut response = Vec::new();
    stream
        .read_to_end(&mut response)
        .await
        .expect("the server responds");
    let start = response
        .windows(4)
        .position(|at| at == b"\r\n\r\n")
        .expect("a head")
        + 4;
    let head = String::from_utf8_lossy(&response[..start]).to_lowercase();
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    assert!(head.contains("transfer-encoding: chunked"), "{head}");
    unchunked(&response[start..])
}

fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = bytes
            .windows(2)
            .position(|at| at == b"\r\n")
            .expect("a length");
        let length = std::str::from_utf8(&bytes[..end]).expect("text");
        let length = usize::from_str_radix(length, 16).expect("a number");
        if length == 0 {
            return body;
        }
        body.extend_from_slice(&bytes[end + 2..][..length]);
        bytes = &bytes[end + 2 + length + 2..];
    }
}

#[tokio::test]
async fn every_method_is_forwarded_with_and_without_a_body() {
    let app = start(&app()).await;
    let methods = [
        "GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PURGE",
    ];
    for method in methods {
        for body in ["", "{\"a\": 1}"] {
            let request = Request::new(method, app.url("/orders?a=b")).header("x-one", "1");
            let reply = plain(request, body).send().await;
            assert_eq!(reply.status, 200, "{method}: {reply:?}");
            let received = ReceivedRequest::of(&reply);
            assert_eq!(received.line, format!("{method} /orders?a=b"));
            assert_eq!(received.body, body.as_bytes());
            let signature = tag(body.as_bytes(), KEY).into_bytes();
            let expected = [
                ("x-one".to_owned(), b"1".to_vec()),
                ("x-signature".to_owned(), signature),
            ];
            assert_eq!(without_length(&received.headers), expected, "{method}");
        }
    }
    let head = plain(Request::new("HEAD", app.url("/orders")), "")
        .send()
        .await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(reached(&app).len(), 2 * methods.len() + 1);
    assert_eq!(
        reached(&app).last().map(String::as_str),
        Some("HEAD /orders, 0 bytes")
    );
}

#[tokio::test]
async fn every_scheme_is_accepted() {
    let app = start(&app()).await;
    let request = || Request::post(app.url("/hook"));
    for request in [
        plain(request(), "one"),
        wss(request(), now(), "two"),
        standard(request(), "evt_1", "three"),
    ] {
        let reply = request.send().await;
        assert_eq!(reply.status, 200, "{reply:?}");
    }
    assert_eq!(reached(&app).len(), 3);
}

#[tokio::test]
async fn bodies_of_every_length_are_forwarded_up_to_the_limit() {
    let app = start(&app()).await;
    for length in [1, 4096, 65_536, 65_537, 1 << 20, LIMIT] {
        let body: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
        let reply = plain(Request::post(app.url("/big")), body.clone())
            .send()
            .await;
        let received = ReceivedRequest::of(&reply);
        assert!(
            received.body == body,
            "{length}: {} bytes arrived",
            received.body.len()
        );
    }
    let before = reached(&app).len();
    let reply = plain(Request::post(app.url("/big")), vec![b'x'; LIMIT + 1]);
    assert_problem(&reply.send().await, 413, "body-too-long");
    assert_eq!(reached(&app).len(), before);
}

#[tokio::test]
async fn a_body_without_a_length_is_forwarded() {
    let app = start(&app()).await;
    let signature = tag(b"one two", KEY);
    let request = format!(
        "POST /hook HTTP/1.1\r\nHost: x\r\nX-Signature: {signature}\r\nConnection: close\r\n\
         Transfer-Encoding: chunked\r\n\r\n4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n"
    );
    let response = raw::exchange(app.address(), request.as_bytes()).await;
    assert!(response.contains("POST /hook\r\n"), "{response}");
    assert!(response.contains("\r\n\r\none two\r\n"), "{response}");
    assert!(!response.contains("content-length"), "{response}");
}

#[tokio::test]
async fn headers_of_the_runtime_cannot_be_forged() {
    let app = start(&app()).await;
    let request = Request::post(app.url("/hook"))
        .header("spin-client-addr", "192.0.2.1:1")
        .header("spin-full-url", "http://admin.example/")
        .header("spin-path-match-user", "admin")
        .header("spin-other", "passes");
    let reply = plain(request, "").send().await.text();
    assert!(reply.contains("spin-client-addr: 0.0.0.0:0\r\n"), "{reply}");
    assert!(
        reply.contains("spin-full-url: http://localhost/hook\r\n"),
        "{reply}"
    );
    assert!(reply.contains("spin-other: passes\r\n"), "{reply}");
    assert!(
        !reply.contains("admin") && !reply.contains("192.0.2.1"),
        "{reply}"
    );
}

#[tokio::test]
async fn headers_are_forwarded_up_to_the_limit_of_a_component() {
    let app = start(&app()).await;
    let with = |bytes: usize| {
        let request = Request::post(app.url("/hook")).header("x-large", "x".repeat(bytes));
        plain(request, "").send()
    };
    let forwarded = with(64 << 10).await;
    assert_eq!(forwarded.status, 200, "{forwarded:?}");
    assert_problem(&with(140 << 10).await, 431, "headers-too-large");
    assert_eq!(reached(&app).len(), 1);
}
