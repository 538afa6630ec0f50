//! Tests of the receiver, on whose behaviour other tests rely.

use test_support::{Behaviour, Receiver, Request, with_timeout};

#[tokio::test]
async fn a_request_is_recorded_byte_for_byte() {
    let receiver = Receiver::start().await;
    let request = Request::new("PATCH", receiver.url("/a%20b?c=%2F&d"));
    let request = request.header("X-Twice", b"1").header("x-twice", b"\xff");
    request.body(&b"\x00\xff"[..]).send().await;

    let requests = receiver.received(1).await;
    let request = &requests[0];
    assert_eq!(request.method, "PATCH");
    assert_eq!(request.path, "/a%20b");
    assert_eq!(request.query.as_deref(), Some("c=%2F&d"));
    assert_eq!(request.body, b"\x00\xff");
    let twice: Vec<&[u8]> = request
        .headers
        .iter()
        .filter(|(name, _)| name == "x-twice")
        .map(|(_, value)| value.as_slice())
        .collect();
    assert_eq!(twice, [b"1".as_slice(), b"\xff"]);
}

#[tokio::test]
async fn each_path_has_the_behaviour_that_was_set() {
    let receiver = Receiver::start().await;
    receiver.on(
        "/no",
        Behaviour::status(403).header("x-why", "because").body("no"),
    );
    receiver.on("/moved", Behaviour::redirect("http://elsewhere.example/"));

    let no = Request::get(receiver.url("/no?query=is-ignored"))
        .send()
        .await;
    assert_eq!(
        (no.status, no.header("x-why"), no.text().as_str()),
        (403, Some("because"), "no")
    );
    let moved = Request::get(receiver.url("/moved")).send().await;
    assert_eq!(
        (moved.status, moved.header("location")),
        (302, Some("http://elsewhere.example/"))
    );
    assert_eq!(
        Request::get(receiver.url("/other")).send().await.status,
        200
    );
}

#[tokio::test]
async fn close_sends_no_response() {
    let receiver = Receiver::start().await;
    receiver.on("/", Behaviour::close());
    assert!(Request::get(receiver.url("/")).try_send().await.is_err());
    assert_eq!(receiver.requests().len(), 1);
}

#[tokio::test]
async fn after_arrivals_waits_for_the_number_of_requests() {
    let receiver = Receiver::start().await;
    receiver.on("/late", Behaviour::status(201).after_arrivals(2));
    receiver.on("/never", Behaviour::hang());
    let late = tokio::spawn(Request::get(receiver.url("/late")).send());
    receiver.received(1).await;
    assert!(!late.is_finished());

    let never = tokio::spawn(Request::get(receiver.url("/never")).send());
    let late = with_timeout(late, || "the late response".to_owned()).await;
    assert_eq!(late.unwrap().status, 201);
    assert!(!never.is_finished());
    assert_eq!(receiver.most_at_once(), 2);
    assert_eq!(receiver.requests_to("/never").len(), 1);
}

#[tokio::test]
async fn a_dripping_body_continues_and_a_stalled_body_does_not() {
    let receiver = Receiver::start().await;
    receiver.on("/drip", Behaviour::drip());
    receiver.on("/stall", Behaviour::stall());
    let mut drip = Request::get(receiver.url("/drip")).open().await.unwrap();
    for _ in 0..3 {
        assert_eq!(&*drip.next().await.unwrap().unwrap(), b".");
    }
    let mut stall = Request::get(receiver.url("/stall")).open().await.unwrap();
    assert_eq!(&*stall.next().await.unwrap().unwrap(), b".");
    let next = stall.next();
    tokio::select! {
        biased;
        next = next => panic!("{next:?}"),
        _ = drip.next() => {}
    }
}

#[tokio::test]
async fn raw_bytes_are_sent_unchanged() {
    let receiver = Receiver::start().await;
    let request =
        b"POST /raw HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n\x00\xff";
    let response = test_support::raw::exchange(receiver.address(), request).await;
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    assert_eq!(receiver.requests()[0].body, b"\x00\xff");
}
