//! Clients that hold connections, and do not keep others from the API.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::{get, post};
use futures::stream;
use serde_json::json;
use test_support::raw::Connection;
use test_support::{Request, with_timeout};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use webhook_sender::api::{Limits, serve};

use crate::api_world::Api;
use crate::receiver::Receiver;
use crate::sender::{SECRET, Setting, Store};

/// A server like that of the API, with a short timeout.
struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Server {
    async fn start(router: Router, connections: usize, client_timeout: Duration) -> Self {
        let limits = Limits {
            connections,
            client_timeout,
            bytes_per_second: u32::MAX,
            drain: Duration::from_millis(100),
        };
        Self::start_with(router, limits).await
    }

    async fn start_with(router: Router, limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, router, limits, stop.clone()));
        Self {
            address,
            stop,
            serving,
        }
    }

    fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(3600);

fn echo() -> Router {
    Router::new().route(
        "/",
        get(|| async { "here" }).post(|body: Bytes| async { body }),
    )
}

/// Waits until the server closes a connection, and returns what it sent.
async fn closed(stream: TcpStream) -> Vec<u8> {
    let mut received = Vec::new();
    let mut stream = stream;
    let read = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut received);
    // A reset closes it as well.
    let _ = with_timeout(read, || "the server to close the connection".into()).await;
    received
}

async fn open(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, bytes)
        .await
        .unwrap();
    stream
}

#[tokio::test]
async fn a_client_that_does_not_send_its_head_is_disconnected() {
    let server = Server::start(echo(), 100, SHORT).await;
    for part in ["", "G", "GET / HTTP/1.1\r\nHost: a\r\nX-More: "] {
        assert_eq!(
            closed(open(server.address, part.as_bytes()).await).await,
            b""
        );
    }
    let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let response = closed(open(server.address, request.as_bytes()).await).await;
    assert!(response.ends_with(b"here"), "idle after a response");
}

#[tokio::test]
async fn a_client_that_does_not_send_its_body_is_disconnected() {
    let server = Server::start(echo(), 100, SHORT).await;
    let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf";
    let response = closed(open(server.address, head.as_bytes()).await).await;
    assert!(!response.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn a_client_that_does_not_read_its_response_is_disconnected() {
    let (to_gone, mut gone) = mpsc::unbounded_channel();
    let endless = move || {
        let ends = Ends(to_gone.clone());
        async move {
            let chunk = Bytes::from_static(&[0; 65536]);
            let chunks = stream::unfold(ends, move |ends| {
                let chunk = chunk.clone();
                async move { Some((Ok::<_, std::io::Error>(chunk), ends)) }
            });
            Body::from_stream(chunks)
        }
    };
    let server = Server::start(Router::new().route("/", get(endless)), 100, SHORT).await;
    let stream = open(server.address, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let ended = with_timeout(gone.recv(), || "the response to be dropped".into());
    assert_eq!(ended.await, Some(()));
    drop(stream);
}

/// Notifies when it is dropped.
struct Ends(mpsc::UnboundedSender<()>);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[tokio::test]
async fn a_client_that_keeps_the_pace_may_take_longer_than_the_timeout() {
    let chunk = [b'x'; 1024];
    let limits = Limits {
        connections: 100,
        client_timeout: Duration::from_secs(1),
        bytes_per_second: 1024,
        drain: SHORT,
    };
    let server = Server::start_with(echo(), limits).await;
    let mut connection = Connection::open(server.address).await;
    let head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 20480\r\n\r\n";
    connection.send(head.as_bytes()).await;
    for _ in 0..20 {
        connection.send(&chunk).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let response = connection.read_to_end().await;
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
}

#[tokio::test]
async fn silent_connections_make_room_for_a_request() {
    let server = Server::start(echo(), 2, LONG).await;
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(open(server.address, b"").await);
        silent.push(
            open(
                server.address,
                b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n",
            )
            .await,
        );
        let reply = Request::get(server.url()).send().await;
        assert_eq!((reply.status, reply.text()), (200, "here".into()));
    }
}

#[tokio::test]
async fn a_stop_does_not_wait_for_clients() {
    let started = std::sync::Arc::new(tokio::sync::Notify::new());
    let notify = started.clone();
    let never = post(move || async move {
        notify.notify_one();
        std::future::pending::<()>().await
    });
    let server = Server::start(Router::new().route("/", never), 100, LONG).await;
    let _silent = open(server.address, b"").await;
    let _partial = open(server.address, b"GET / HT").await;
    let _working = open(server.address, b"POST / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    started.notified().await;
    server.stop.cancel();
    with_timeout(server.serving, || "the server to stop".into())
        .await
        .unwrap();
}

/// Opens more connections than the API allows, each with a part of a request.
async fn flood(address: SocketAddr) -> Vec<TcpStream> {
    let parts = [
        "",
        "GET /v1/tenants HTTP/1.1\r\n",
        "POST /v1/tenants/acme/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    ];
    let mut all = Vec::new();
    for part in parts.iter().cycle().take(700) {
        if let Ok(mut stream) = TcpStream::connect(address).await {
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, part.as_bytes()).await;
            all.push(stream);
        }
    }
    all
}

fn address(api: &str) -> SocketAddr {
    api.trim_start_matches("http://").parse().unwrap()
}

#[tokio::test]
async fn events_are_taken_and_delivered_while_hundreds_of_connections_are_silent() {
    let api = Api::start().await;
    let receiver = Receiver::start(Duration::ZERO).await;
    let url = format!("http://{}/hook", receiver.address);
    api.endpoint(json!({ "url": url, "events": ["*"], "secret": SECRET }))
        .await;
    let silent = flood(address(&api.sender.api)).await;
    let event = json!({ "id": "evt_1", "type": "order.shipped", "data": 1 });
    let reply = api
        .send("POST", "/v1/tenants/acme/events", Some(event))
        .await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    api.delivery("evt_1", "succeeded").await;
    drop(silent);
}

#[tokio::test]
async fn a_sender_with_silent_connections_stops_in_time_and_gives_up_its_lease() {
    let setting = Setting::new(Store::Redis).await;
    setting.configure("sender", "[delivery]\nlease = \"30s\"\ntimeout = \"1s\"\n");
    let sender = setting.start("sender");
    let silent = flood(address(&sender.api)).await;
    let log = sender.log_file();
    let status = tokio::task::spawn_blocking(move || sender.stop())
        .await
        .unwrap();
    let log = std::fs::read_to_string(log).unwrap();
    assert!(status.success(), "{status}\n{log}");
    assert!(log.contains("\"stopped\""), "{log}");
    drop(silent);
}
