//! Incomplete bodies.

use std::net::SocketAddr;
use std::time::Duration;

use test_support::with_timeout;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::consumer::{COMPONENT, Consumer, KEY, plain, tag};
use crate::producer::Producer;

/// Returns the head of a request that announces a body of 1,000 bytes.
fn head(target: &str, headers: &str) -> String {
    format!(
        "POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         {headers}Content-Length: 1000\r\nConnection: close\r\n\r\n"
    )
}

/// Sends a request whose body ends early, and returns the response, which may be empty.
async fn cut_off(address: SocketAddr, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let request = format!("{head}{body}");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it reads");
    stream
        .shutdown()
        .await
        .expect("the client's side can be closed");
    let mut response = Vec::new();
    let read = stream.read_to_end(&mut response);
    // The connection may be reset after the response.
    let _ = with_timeout(read, || "the response to an incomplete body".to_owned()).await;
    String::from_utf8_lossy(&response).into_owned()
}

#[tokio::test]
async fn an_incomplete_body_is_never_processed() {
    let consumer = Consumer::start().await;
    let producer = Producer::start().await;
    consumer.handshake(KEY).await;
    producer.register(&consumer.target(), "*").await;
    let (consumers, producers) = (consumer.0.address(), producer.0.address());

    let signature = format!("X-Signature: {}\r\n", tag(b"{}", KEY));
    let other = "{\"keyData\": \"a key that was never issued\"}";
    let event = "{\"event\": \"order.shipped\", \"data\": 1}";
    for (address, head, body) in [
        (consumers, head("/target", &signature), "{}"),
        (consumers, head("/target?handshake=true", ""), other),
        (producers, head("/fire", ""), event),
        (producers, head("/fire", ""), ""),
    ] {
        let response = cut_off(address, &head, body).await;
        assert!(
            response.is_empty() || response.starts_with("HTTP/1.1 4"),
            "{head}{body}: {response}"
        );
    }
    let log = consumer.0.log(COMPONENT);
    assert!(!log.contains("Payload verification result"), "{log}");
    assert_eq!(log.matches("Stored key data").count(), 2, "{log}");
    assert!(
        !producer
            .0
            .log(crate::producer::COMPONENT)
            .contains("Firing")
    );
    let key = "a key that was never issued";
    let reply = consumer.deliver_with(b"{}", &plain(b"{}", key)).await;
    assert_eq!(reply.status, 400, "{reply:?}");
}

/// Sends a byte of the body every half second until there is a response, and returns it.
async fn trickle(address: SocketAddr, target: &str) -> String {
    let stream = TcpStream::connect(address).await.expect("it listens");
    let (mut from, mut to) = stream.into_split();
    let head = head(target, "");
    to.write_all(head.as_bytes()).await.expect("it reads");
    let dripping = tokio::spawn(async move {
        while to.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
    let mut response = Vec::new();
    let read = from.read_to_end(&mut response);
    let _ = with_timeout(read, || "the end of a body that trickles".to_owned()).await;
    dripping.abort();
    String::from_utf8_lossy(&response).into_owned()
}

#[tokio::test]
async fn a_body_that_trickles_times_out() {
    let consumer = Consumer::start().await;
    let producer = Producer::start().await;
    let (handshake, firing) = tokio::join!(
        trickle(consumer.0.address(), "/target?handshake=true"),
        trickle(producer.0.address(), "/fire"),
    );
    for response in [handshake, firing] {
        assert!(response.starts_with("HTTP/1.1 408 "), "{response}");
        assert!(response.contains("body-too-slow"), "{response}");
    }
}
