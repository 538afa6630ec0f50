//! Slow clients, which must not prevent others from being served.

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use test_support::raw::Connection;
use test_support::{App, Running};
use tokio::net::TcpStream;

use crate::probe::*;

/// A timeout longer than any test, so that it is never the reason for an end.
const NEVER: &str = "86400";

/// A response of a gigabyte, more than any buffer between a guest and its client holds.
const LARGE: &str = "/stream?chunks=1000&size=1000000";

async fn start_with(arguments: &[&str]) -> Running {
    start(&probe().args(arguments)).await
}

async fn sends(app: &Running, bytes: &str) -> Connection {
    let mut connection = Connection::open(app.address()).await;
    connection.send(bytes.as_bytes()).await;
    connection
}

/// Sends a request with an incomplete body.
async fn half_a_body(app: &Running, path: &str) -> Connection {
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf");
    sends(app, &head).await
}

/// Requests a large response and does not read it.
async fn no_reader(app: &Running) -> Connection {
    sends(app, &format!("GET {LARGE} HTTP/1.1\r\nHost: x\r\n\r\n")).await
}

#[tokio::test]
async fn a_connection_is_closed_if_the_request_head_times_out() {
    let app = start_with(&["--client-timeout", "1"]).await;
    for beginning in [
        "",
        "P",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHos",
    ] {
        let connection = sends(&app, beginning).await;
        let received = connection.read_to_end().await;
        assert!(
            !received.contains("HTTP/1.1 200"),
            "{beginning}: {received}"
        );
    }
    let mut used = sends(&app, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n").await;
    used.read_until("hello").await;
    used.read_to_end().await;
}

#[tokio::test]
async fn a_stalled_request_body_is_an_error_for_the_guest() {
    let app = start_with(&["--client-timeout", "1"]).await;
    let chunked =
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n";
    for connection in [half_a_body(&app, "/echo").await, sends(&app, chunked).await] {
        let received = connection.read_to_end().await;
        assert!(received.starts_with("HTTP/1.1 400 "), "{received}");
        assert!(received.contains("the body: "), "{received}");
    }
}

#[tokio::test]
async fn stalled_request_bodies_do_not_block_other_clients() {
    let app = start_with(&["--max-instances", "2", "--client-timeout", NEVER]).await;
    let mut stalled = Vec::new();
    for _ in 0..6 {
        stalled.push(half_a_body(&app, "/echo").await);
    }
    assert_eq!(get(&app, "/hello").await.text(), "hello");
}

#[tokio::test]
async fn clients_that_do_not_read_do_not_block_other_clients() {
    let app = start_with(&["--max-instances", "2", "--client-timeout", NEVER]).await;
    let mut stalled = Vec::new();
    for _ in 0..4 {
        stalled.push(no_reader(&app).await);
    }
    assert_eq!(get(&app, "/hello").await.text(), "hello");
    app.stderr_has("its response was not read").await;
}

#[tokio::test]
async fn an_unread_http_2_stream_does_not_block_other_clients() {
    let app = start_with(&["--max-instances", "1", "--client-timeout", NEVER]).await;
    let io = TokioIo::new(TcpStream::connect(app.address()).await.expect("it listens"));
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .expect("it speaks HTTP/2");
    tokio::spawn(connection);
    let request = http::Request::get(app.url(LARGE)).body(Empty::<Bytes>::new());
    let unread = sender.send_request(request.expect("a request")).await;
    assert_eq!(
        unread.as_ref().map(|it| it.status().as_u16()).ok(),
        Some(200)
    );
    assert_eq!(get(&app, "/hello").await.text(), "hello");
}

#[tokio::test]
async fn the_connection_of_a_client_that_does_not_read_is_closed() {
    let app = start_with(&["--client-timeout", "1"]).await;
    let connection = no_reader(&app).await;
    app.stderr_has("its response was not read").await;
    let received = connection.read_to_end().await;
    assert!(
        !received.ends_with("0\r\n\r\n"),
        "the response must be incomplete"
    );
}

#[tokio::test]
async fn a_client_that_reads_slowly_receives_the_whole_response() {
    let app = start_with(&["--client-timeout", "2", "--max-instances", "1"]).await;
    let mut response = test_support::Request::get(app.url("/stream?chunks=40&size=100000"))
        .open()
        .await
        .expect("a head");
    let mut length = 0;
    while let Some(bytes) = response.next().await {
        length += bytes.expect("bytes").len();
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(length, 40 * 100_000);
}

#[tokio::test]
async fn a_connection_over_the_limit_replaces_an_idle_one() {
    let app = start_with(&["--max-connections", "4", "--client-timeout", NEVER]).await;
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(Connection::open(app.address()).await);
    }
    for _ in 0..8 {
        assert_eq!(get(&app, "/hello").await.text(), "hello");
    }
    let first = silent.remove(0);
    assert_eq!(first.read_to_end().await, "");
}

#[tokio::test]
async fn a_connection_over_the_limit_replaces_one_with_a_stalled_client() {
    let app = start_with(&["--max-connections", "4", "--client-timeout", NEVER]).await;
    let mut stalled = Vec::new();
    for _ in 0..4 {
        stalled.push(half_a_body(&app, "/echo").await);
        stalled.push(no_reader(&app).await);
    }
    assert_eq!(get(&app, "/hello").await.text(), "hello");
}

#[tokio::test]
async fn slow_clients_do_not_delay_the_shutdown() {
    let app: App = probe().args(["--client-timeout", NEVER]);
    let app = start(&app).await;
    let half_a_head = sends(&app, "GET /hello HTTP/1.1\r\nHos").await;
    let half_a_body = half_a_body(&app, "/echo").await;
    let no_reader = no_reader(&app).await;
    get(&app, "/hello").await;
    let ended = app.stop().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.transcript());
    assert!(
        !ended.stderr.contains("timed out"),
        "{}",
        ended.transcript()
    );
    drop((half_a_head, half_a_body, no_reader));
}
