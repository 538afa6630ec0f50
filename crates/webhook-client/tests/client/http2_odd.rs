//! Receivers with irregular HTTP/2, and the connections to them.

use std::time::Duration;

use bytes::Bytes;
use test_support::raw_http2::{RawHttp2, Reply, fields, go_away, reset, response};
use test_support::{RawReceiver, with_timeout};
use tokio::time::Instant;
use url::Url;
use webhook_client::{CallError, Client, Response, Settings, WebhookRequest, certificates};

use super::policy::loopback;

const NO_ERROR: u32 = 0;
const INTERNAL_ERROR: u32 = 2;
const REFUSED_STREAM: u32 = 7;

fn client(server: &RawHttp2) -> Client {
    let settings = Settings {
        policy: loopback(),
        extra_roots: certificates(server.authority.as_bytes()).unwrap(),
        ..Settings::default()
    };
    Client::new(settings).unwrap()
}

async fn post(client: &Client, server: &RawHttp2) -> Result<Response, CallError> {
    post_within(client, server, Bytes::from_static(b"{}"), 60_000).await
}

async fn post_within(
    client: &Client,
    server: &RawHttp2,
    body: Bytes,
    millis: u64,
) -> Result<Response, CallError> {
    post_to(client, &server.url(), &body, millis).await
}

async fn post_to(
    client: &Client,
    url: &str,
    body: &Bytes,
    millis: u64,
) -> Result<Response, CallError> {
    let post = WebhookRequest {
        url: &Url::parse(url).unwrap(),
        fairness_key: "acme",
        headers: &[],
        body,
        keep_response: 256,
        deadline: Instant::now() + Duration::from_millis(millis),
    };
    client.post(&post).await
}

#[tokio::test]
async fn a_stream_that_is_reset_after_its_status_keeps_the_status() {
    for reason in [NO_ERROR, INTERNAL_ERROR] {
        let server = RawHttp2::start(move |_, stream| {
            Reply::Frames([response(stream, "202", &[], false), reset(stream, reason)].concat())
        })
        .await;
        let client = client(&server);
        for _ in 0..2 {
            assert_eq!(post(&client, &server).await.unwrap().status, 202);
        }
        assert_eq!(server.counts.requests(), 2);
    }
}

#[tokio::test]
async fn a_connection_that_is_closed_after_a_status_keeps_the_status() {
    let server =
        RawHttp2::start(|_, stream| Reply::Last(response(stream, "200", &[], false))).await;
    assert_eq!(post(&client(&server), &server).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_long_list_of_headers_keeps_the_status() {
    let server = RawHttp2::start(|_, stream| {
        Reply::Frames(response(stream, "200", &fields(3000, 20), true))
    })
    .await;
    assert_eq!(post(&client(&server), &server).await.unwrap().status, 200);
}

#[tokio::test]
async fn an_endless_list_of_headers_is_a_clear_error_and_not_requested_again() {
    let server = RawHttp2::start(|_, stream| {
        Reply::Frames(response(stream, "200", &fields(3000, 30), true))
    })
    .await;
    let client = client(&server);
    for requests in 1..=2 {
        let failed = post(&client, &server).await.unwrap_err();
        let text = "no response: its headers are malformed, or longer than 65536 bytes";
        assert_eq!(failed.to_string(), text);
        assert_eq!(server.counts.requests(), requests);
    }
}

#[tokio::test]
async fn a_request_that_is_refused_unprocessed_is_sent_again_on_another_connection() {
    let server = RawHttp2::start(|number, stream| match number {
        1 => Reply::Frames(reset(stream, REFUSED_STREAM)),
        3 => Reply::Last(go_away(stream - 2)),
        _ => Reply::Frames(response(stream, "200", &[], true)),
    })
    .await;
    let client = client(&server);
    for _ in 0..3 {
        assert_eq!(post(&client, &server).await.unwrap().status, 200);
    }
    let seen = (server.counts.requests(), server.counts.connections());
    assert_eq!(seen, (5, 3));
}

#[tokio::test]
async fn a_request_that_may_have_been_processed_is_not_sent_again() {
    let ends: [fn(u32) -> Reply; 3] = [
        |_| Reply::Last(vec![]),
        |stream| Reply::Last(go_away(stream)),
        |stream| Reply::Frames(reset(stream, INTERNAL_ERROR)),
    ];
    for end in ends {
        let server = RawHttp2::start(move |number, stream| match number {
            1 => end(stream),
            _ => Reply::Frames(response(stream, "200", &[], true)),
        })
        .await;
        let client = client(&server);
        assert_eq!(post(&client, &server).await.unwrap().status, 200);
        let failed = post(&client, &server).await.unwrap_err();
        assert!(matches!(failed, CallError::Respond(_)), "{failed:?}");
        assert_eq!(server.counts.requests(), 2);
        assert_eq!(post(&client, &server).await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn a_connection_whose_receiver_stops_reading_is_closed() {
    let server = RawHttp2::start(|_, _| Reply::Stall).await;
    let client = client(&server);
    // More than the buffers in between hold, so that a GOAWAY cannot be sent either.
    let body = Bytes::from(vec![0; 32 << 20]);
    let timed_out = post_within(&client, &server, body, 1_000).await;
    assert!(
        matches!(timed_out, Err(CallError::TimedOut(_))),
        "{timed_out:?}"
    );
    assert_eq!(server.counts.requests(), 1);
    let closed = async {
        while is_connected_to(server.address.port()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    with_timeout(closed, || "the connection to be closed".into()).await;
}

/// Returns a client that keeps one idle connection and trusts both servers.
fn client_with_room_for_one(servers: [&RawHttp2; 2]) -> Client {
    let roots = servers.map(|server| certificates(server.authority.as_bytes()).unwrap());
    let settings = Settings {
        policy: loopback(),
        extra_roots: roots.concat(),
        max_idle: 1,
        ..Settings::default()
    };
    Client::new(settings).unwrap()
}

fn ok(_: usize, stream: u32) -> Reply {
    Reply::Frames(response(stream, "200", &[], true))
}

#[tokio::test]
async fn shared_connections_count_towards_the_limit_of_idle_connections() {
    let (first, second) = (RawHttp2::start(ok).await, RawHttp2::start(ok).await);
    let client = client_with_room_for_one([&first, &second]);
    for server in [&first, &second, &second, &first] {
        assert_eq!(post(&client, server).await.unwrap().status, 200);
    }
    let connections = [&first, &second].map(|server| server.counts.connections());
    assert_eq!(connections, [2, 1], "an idle one makes room for a new one");
    let http1 =
        RawReceiver::start(|_| Some(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".into())).await;
    for _ in 0..2 {
        let posted = post_to(&client, &http1.url(), &Bytes::new(), 60_000).await;
        assert_eq!(posted.unwrap().status, 200);
    }
    assert_eq!(http1.counts.connections(), 2, "there is no room to keep it");
}

#[tokio::test]
async fn a_shared_connection_with_an_exchange_makes_no_room_for_another() {
    let stalled = RawHttp2::start(|_, _| Reply::Stall).await;
    let other = RawHttp2::start(ok).await;
    let client = client_with_room_for_one([&stalled, &other]);
    let stalling = post_within(&client, &stalled, Bytes::from_static(b"{}"), 2_000);
    let posting = async {
        while stalled.counts.requests() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        post(&client, &other).await
    };
    let (timed_out, posted) = tokio::join!(stalling, posting);
    assert_eq!(posted.unwrap().status, 200);
    assert!(
        matches!(timed_out, Err(CallError::TimedOut(_))),
        "{timed_out:?}"
    );
}

/// Returns whether a socket of this machine is connected to that port of it. The other end, which has
/// the port as its own, does not count.
fn is_connected_to(port: u16) -> bool {
    let sockets = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    let to = format!("0100007F:{port:04X}");
    let mut lines = sockets.lines().map(|line| line.split_ascii_whitespace());
    lines.any(|mut fields| fields.nth(2) == Some(&*to) && fields.next() == Some("01"))
}
