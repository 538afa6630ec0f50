//! Ending: what is in flight is finished, and nothing new is begun.

use std::io::ErrorKind;
use std::net::SocketAddr;

use test_support::{Behaviour, Receiver, Request, Running, raw, within_patience};
use tokio::net::TcpStream;

use crate::probe::*;

/// Waits until connections are refused. Between the signal and that, the kernel may still take
/// some that nobody will serve.
async fn refuses_connections(address: SocketAddr) {
    let refused = async {
        loop {
            match TcpStream::connect(address).await {
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => return,
                _ => tokio::task::yield_now().await,
            }
        }
    };
    within_patience(refused, || format!("{address} to refuse connections")).await;
}

async fn finishes_what_is_in_flight(ask_to_stop: fn(&Running)) {
    let receiver = Receiver::start().await;
    receiver.on("/", Behaviour::status(200).after_arrivals(2));
    let app = start(&probe()).await;
    let url = app.url(&outbound(&receiver.url("/"), ""));
    let slow = tokio::spawn(Request::get(url).send());
    receiver.received(1).await;

    ask_to_stop(&app);
    app.stderr_has("finishing what is in flight").await;
    refuses_connections(app.address()).await;
    assert!(!slow.is_finished());

    Request::get(receiver.url("/")).send().await;
    let reply = slow.await.expect("an answer");
    assert_eq!(reply.json()["ok"]["status"], 200, "{reply:?}");
    let ended = app.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.transcript());
}

#[tokio::test]
async fn sigterm_finishes_what_is_in_flight_and_takes_nothing_new() {
    finishes_what_is_in_flight(Running::terminate).await;
}

#[tokio::test]
async fn ctrl_c_finishes_what_is_in_flight_and_takes_nothing_new() {
    finishes_what_is_in_flight(Running::interrupt).await;
}

#[tokio::test]
async fn a_guest_that_works_on_after_its_answer_is_let_finish() {
    let app = start(&probe()).await;
    let mut answer = Request::get(app.url("/stream?chunks=20&size=1&ms=5"))
        .open()
        .await
        .expect("a head");
    answer.next().await.expect("a chunk").expect("bytes");
    app.terminate();
    let rest = answer.read().await.expect("the body goes on to its end");
    assert_eq!(rest.body.len(), 19);
    assert_eq!(app.ended().await.status.code(), Some(0));
}

#[tokio::test]
async fn idle_connections_do_not_hold_up_the_end() {
    let app = start(&probe()).await;
    let mut used = raw::Connection::open(app.address()).await;
    used.send(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n").await;
    used.read_until("hello").await;
    let silent = raw::Connection::open(app.address()).await;
    get(&app, "/hello").await;
    let ended = app.stop().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.transcript());
    assert!(
        !ended.stderr.contains("unfinished"),
        "{}",
        ended.transcript()
    );
    drop(silent);
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let receiver = Receiver::start().await;
    receiver.on("/", Behaviour::hang());
    let app = start(&probe()).await;
    let url = app.url(&outbound(&receiver.url("/"), ""));
    let hanging = tokio::spawn(Request::get(url).try_send());
    receiver.received(1).await;
    app.terminate();
    app.stderr_has("finishing what is in flight").await;
    app.terminate();
    let ended = app.ended().await;
    assert_eq!(ended.status.code(), Some(130), "{}", ended.transcript());
    assert!(hanging.await.expect("no panic").is_err());
}
