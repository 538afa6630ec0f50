//! Graceful shutdown: requests in flight finish, and new connections are refused.

use std::io::ErrorKind;
use std::net::SocketAddr;

use test_support::{Behaviour, Receiver, Request, Running, raw, with_timeout};
use tokio::net::TcpStream;

use crate::probe::*;

/// Waits until connections are refused. Until the listener is closed, the kernel may still accept
/// connections that are never served.
async fn refuses_connections(address: SocketAddr) {
    let refused = async {
        loop {
            match TcpStream::connect(address).await {
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => return,
                _ => tokio::task::yield_now().await,
            }
        }
    };
    with_timeout(refused, || format!("{address} to refuse connections")).await;
}

async fn finishes_requests_in_flight(send_signal: fn(&Running)) {
    let receiver = Receiver::start().await;
    receiver.on("/", Behaviour::status(200).after_arrivals(2));
    let app = start(&probe()).await;
    let url = app.url(&outbound(&receiver.url("/"), ""));
    let slow = tokio::spawn(Request::get(url).send());
    receiver.received(1).await;

    send_signal(&app);
    app.stderr_has("waiting for requests in flight").await;
    refuses_connections(app.address()).await;
    assert!(!slow.is_finished());

    Request::get(receiver.url("/")).send().await;
    let reply = slow.await.expect("a response");
    assert_eq!(reply.json()["ok"]["status"], 200, "{reply:?}");
    let ended = app.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.transcript());
}

#[tokio::test]
async fn sigterm_finishes_requests_in_flight_and_refuses_new_ones() {
    finishes_requests_in_flight(Running::terminate).await;
}

#[tokio::test]
async fn ctrl_c_finishes_requests_in_flight_and_refuses_new_ones() {
    finishes_requests_in_flight(Running::interrupt).await;
}

#[tokio::test]
async fn a_guest_can_finish_streaming_its_response() {
    let app = start(&probe()).await;
    let mut response = Request::get(app.url("/stream?chunks=20&size=1&ms=5"))
        .open()
        .await
        .expect("a head");
    response.next().await.expect("a chunk").expect("bytes");
    app.terminate();
    let rest = response.read().await.expect("the body is complete");
    assert_eq!(rest.body.len(), 19);
    assert_eq!(app.ended().await.status.code(), Some(0));
}

#[tokio::test]
async fn idle_connections_do_not_delay_the_shutdown() {
    let app = start(&probe()).await;
    let mut used = raw::Connection::open(app.address()).await;
    used.send(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n").await;
    used.read_until("hello").await;
    let silent = raw::Connection::open(app.address()).await;
    get(&app, "/hello").await;
    let ended = app.stop().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.transcript());
    assert!(
        !ended.stderr.contains("timed out"),
        "{}",
        ended.transcript()
    );
    drop(silent);
}

#[tokio::test]
async fn a_second_signal_ends_the_process_at_once() {
    let receiver = Receiver::start().await;
    receiver.on("/", Behaviour::hang());
    let app = start(&probe()).await;
    let url = app.url(&outbound(&receiver.url("/"), ""));
    let hanging = tokio::spawn(Request::get(url).try_send());
    receiver.received(1).await;
    app.terminate();
    app.stderr_has("waiting for requests in flight").await;
    app.terminate();
    let ended = app.ended().await;
    assert_eq!(ended.status.code(), Some(130), "{}", ended.transcript());
    assert!(hanging.await.expect("no panic").is_err());
}
