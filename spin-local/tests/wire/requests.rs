//! Requests as guests see them, and responses as clients see them.

use std::net::SocketAddr;

use serde_json::Value;
use test_support::{App, Reply, Request, raw};

use crate::probe::*;

/// Returns Spin's headers in a response of `/echo`, sorted by name.
fn spin_headers(echo: &Value) -> Vec<(String, String)> {
    let headers: Vec<(String, String)> =
        serde_json::from_value(echo["headers"].clone()).expect("a list of headers");
    let mut spin: Vec<_> = headers
        .into_iter()
        .filter(|(name, _)| name.starts_with("spin-"))
        .collect();
    spin.sort();
    spin
}

fn json_of(reply: &str) -> Value {
    let (_, body) = reply.split_once("\r\n\r\n").expect("a head");
    let start = body.find('{').expect("an object");
    let end = body.rfind('}').expect("an object");
    serde_json::from_str(&body[start..=end]).expect("JSON")
}

/// Returns Spin's headers for a path, with the address of the client.
async fn headers_of(address: SocketAddr, path: &str) -> (Vec<(String, String)>, SocketAddr) {
    let mut connection = raw::Connection::open(address).await;
    let client = connection.own_address();
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: my.example:81\r\nConnection: close\r\n\r\n");
    connection.send(request.as_bytes()).await;
    (
        spin_headers(&json_of(&connection.read_to_end().await)),
        client,
    )
}

/// A path, and what Spin's headers contain for it: path info, matched route, component route, and
/// named segments.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

#[tokio::test]
async fn a_guest_receives_exactly_the_headers_of_spin() {
    let app = start(&probe()).await;
    // path, path info, matched route, component route, captures
    let cases: [Case; 5] = [
        ("/echo?a=%20&b", "/echo", "/...", "", &[]),
        ("/exact", "", "/exact", "/exact", &[]),
        (
            "/users/kim%20lee",
            "",
            "/users/:name",
            "/users/:name",
            &[("name", "kim%20lee")],
        ),
        (
            "/deep/x/rest/echo",
            "/echo",
            "/deep/:a/rest/...",
            "/deep/:a/rest",
            &[("a", "x")],
        ),
        ("/bare/echo", "/echo", "/bare/...", "/bare", &[]),
    ];
    for (path, path_info, matched, component, captures) in cases {
        let (headers, client) = headers_of(app.address(), path).await;
        let mut expected = vec![
            ("spin-base-path".to_owned(), "/".to_owned()),
            ("spin-client-addr".to_owned(), client.to_string()),
            ("spin-component-route".to_owned(), component.to_owned()),
            (
                "spin-full-url".to_owned(),
                format!("http://my.example:81{path}"),
            ),
            ("spin-matched-route".to_owned(), matched.to_owned()),
            ("spin-path-info".to_owned(), path_info.to_owned()),
            ("spin-raw-component-route".to_owned(), matched.to_owned()),
        ];
        for (name, value) in captures {
            expected.push((format!("spin-path-match-{name}"), (*value).to_owned()));
        }
        expected.sort();
        assert_eq!(headers, expected, "{path}");
    }
}

#[tokio::test]
async fn clients_cannot_forge_the_headers_of_spin() {
    let app = start(&probe()).await;
    let request = Request::get(app.url("/echo"))
        .header("Spin-Client-Addr", "192.0.2.1:1")
        .header("spin-full-url", "http://forged.example/")
        .header("spin-full-url", "http://forged.example/");
    let headers = spin_headers(&request.send().await.json());
    assert_eq!(headers.len(), 7, "{headers:?}");
    for (name, value) in headers {
        assert!(
            !value.contains("forged") && !value.contains("192.0.2.1"),
            "{name}: {value}"
        );
    }
}

#[tokio::test]
async fn a_guest_sees_the_request_as_it_was_sent() {
    let app = start(&probe()).await;
    let request = Request::new("PROPFIND", app.url("/echo?x=%2F&y"))
        .header("x-twice", "1")
        .header("x-twice", "2")
        .header("connection", "keep-alive")
        .body("body");
    let echo = request.send().await.json();
    assert_eq!(echo["method"], "PROPFIND");
    assert_eq!(echo["uri"], "/echo?x=%2F&y");
    assert_eq!(echo["scheme"], "http");
    assert_eq!(echo["authority"], app.address().to_string());
    assert_eq!(echo["body"], "body");
    let headers: Vec<(String, String)> =
        serde_json::from_value(echo["headers"].clone()).expect("a list");
    let values = |name: &str| -> Vec<&str> {
        let of_name = headers.iter().filter(|(n, _)| n == name);
        of_name.map(|(_, value)| value.as_str()).collect()
    };
    assert_eq!(values("x-twice"), ["1", "2"]);
    assert_eq!(values("content-length"), ["4"]);
    assert_eq!(values("connection"), [""; 0]);
}

#[tokio::test]
async fn the_more_exact_route_takes_precedence() {
    let app = start(&probe()).await;
    for (path, route) in [
        ("/echo", "/..."),
        ("/bare/echo", "/bare/..."),
        ("/exact", "/exact"),
        ("/users/x", "/users/:name"),
        ("/deep/1/rest/echo", "/deep/:a/rest/..."),
    ] {
        let headers = spin_headers(&get(&app, path).await.json());
        let matched = ("spin-matched-route".to_owned(), route.to_owned());
        assert!(headers.contains(&matched), "{path}: {headers:?}");
    }
    for path in [
        "/barefoot",
        "/exact/echo",
        "/users/x/echo",
        "/deep/rest/echo",
    ] {
        let reply = get(&app, path).await;
        let expected = format!("there is no operation `{path}`");
        assert_eq!(
            reply.text(),
            expected,
            "the widest route passes on the whole path"
        );
    }
}

#[tokio::test]
async fn a_path_without_a_route_is_404_with_an_empty_body() {
    let app = start(&App::of_text(&manifest("/only", ""))).await;
    assert_eq!(get(&app, "/only").await.status, 200);
    for path in ["/", "/only/more", "/onl", "/ONLY"] {
        let reply = get(&app, path).await;
        assert_eq!(
            (reply.status, reply.body.as_slice()),
            (404, b"".as_slice()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_request_without_exactly_one_host_is_400() {
    let app = start(&probe()).await;
    for head in [
        "GET /hello HTTP/1.1\r\n",
        "GET /hello HTTP/1.0\r\n",
        "GET /hello HTTP/1.1\r\nHost: two words\r\n",
        "GET http://one.example/hello HTTP/1.1\r\nHost: other.example\r\n",
    ] {
        let request = format!("{head}Connection: close\r\n\r\n");
        let reply = raw::exchange(app.address(), request.as_bytes()).await;
        // Spin closes the connection: it cannot build the URL of the request, and has no response for that.
        let closed = runtime().is_spin() && reply.is_empty();
        assert!(
            closed || reply.starts_with("HTTP/1.1 400 ") || reply.starts_with("HTTP/1.0 400 "),
            "{head}: {reply}"
        );
    }
    assert_eq!(get(&app, "/hello").await.text(), "hello");
}

#[tokio::test]
async fn bytes_that_are_not_http_do_not_affect_others() {
    let app = start(&probe()).await;
    let mut connection = raw::Connection::open(app.address()).await;
    connection.send(b"\x16\x03\x01\x00\x05hello\r\n\r\n").await;
    let reply = connection.read_to_end().await;
    assert!(!reply.contains(" 200 "), "{reply}");
    assert_eq!(get(&app, "/hello").await.text(), "hello");
}

#[tokio::test]
async fn the_runtime_responds_to_the_health_path() {
    let app = start(&probe()).await;
    let health = get(&app, "/.well-known/spin/health").await;
    assert_eq!((health.status, health.text().as_str()), (200, "OK"));
    assert_eq!(get(&app, "/.well-known/spin/other").await.status, 404);
}

#[tokio::test]
async fn status_and_headers_are_returned_as_the_guest_set_them() {
    let app = start(&probe()).await;
    let path = "/status?code=418&header=X-Twice:1&header=x-twice:2&header=content-language:en";
    let reply = get(&app, path).await;
    assert_eq!(reply.status, 418);
    assert_eq!(reply.header("content-language"), Some("en"));
    assert_eq!(
        reply.headers.get_all("x-twice").iter().collect::<Vec<_>>(),
        ["1", "2"]
    );
    assert_eq!(reply.text(), "status 418");
}

#[tokio::test]
async fn a_large_body_is_passed_through_unchanged() {
    let app = start(&probe()).await;
    let body: Vec<u8> = (0..3 << 20)
        .map(|index: u32| index.to_le_bytes()[1])
        .collect();
    let reply: Reply = Request::post(app.url("/echo-body"))
        .body(body.clone())
        .send()
        .await;
    assert_eq!(reply.status, 200);
    assert!(reply.body == body, "{} bytes came back", reply.body.len());
}

#[tokio::test]
async fn bodies_stream_both_ways_at_once() {
    let app = start(&probe()).await;
    let mut connection = raw::Connection::open(app.address()).await;
    let head = "POST /echo-body HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
                Transfer-Encoding: chunked\r\n\r\n";
    connection.send(head.as_bytes()).await;
    connection.send(b"5\r\nfirst\r\n").await;
    // If either side waited for the whole body, this would not arrive.
    connection.read_until("first").await;
    connection.send(b"6\r\nsecond\r\n0\r\n\r\n").await;
    let reply = connection.read_to_end().await;
    assert!(reply.contains("second"), "{reply}");
}

#[tokio::test]
async fn a_streamed_response_is_complete() {
    let app = start(&probe()).await;
    let reply = get(&app, "/stream?chunks=12&size=100000").await;
    let expected: Vec<u8> = (0..12u8)
        .flat_map(|n| vec![b'0' + n % 10; 100_000])
        .collect();
    assert!(reply.body == expected, "{} bytes came", reply.body.len());
}

#[tokio::test]
async fn one_connection_serves_several_requests() {
    let app = start(&probe()).await;
    let mut connection = raw::Connection::open(app.address()).await;
    for n in 0..3 {
        let request = format!("GET /status?code=20{n} HTTP/1.1\r\nHost: x\r\n\r\n");
        connection.send(request.as_bytes()).await;
        connection.read_until(&format!("status 20{n}")).await;
    }
}
