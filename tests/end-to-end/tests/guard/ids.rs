//! Deduplication: an event is processed once, unless processing fails.

use test_support::{Behaviour, Receiver, Request, Running};

use crate::guarded::*;
use crate::signing::standard;

fn event(app: &Running, path: &str, id: &str) -> Request {
    standard(Request::post(app.url(path)), id, "body")
}

#[tokio::test]
async fn an_event_that_was_processed_is_not_forwarded_again() {
    let app = start(&app()).await;
    assert_eq!(event(&app, "/orders", "evt_1").send().await.status, 200);
    for path in ["/orders", "/elsewhere"] {
        let again = event(&app, path, "evt_1").send().await;
        assert_eq!(again.status, 200);
        assert_eq!(
            again.text(),
            "Received payload before and verified integrity"
        );
    }
    assert_eq!(event(&app, "/orders", "evt_2").send().await.status, 200);
    assert_eq!(reached(&app).len(), 2);
}

#[tokio::test]
async fn an_event_that_got_an_error_response_is_forwarded_again() {
    let app = start(&app()).await;
    for status in [503, 500, 404, 400, 302] {
        let path = format!("/orders?status={status}");
        let failed = event(&app, &path, "evt_1").send().await;
        assert_eq!(failed.status, status);
    }
    assert_eq!(
        event(&app, "/orders?status=202", "evt_1")
            .send()
            .await
            .status,
        202
    );
    assert_eq!(event(&app, "/orders", "evt_1").send().await.status, 200);
    assert_eq!(reached(&app).len(), 6);
}

#[tokio::test]
async fn an_event_that_crashed_the_app_is_forwarded_again() {
    let app = start(&probe("")).await;
    assert_eq!(event(&app, "/trap", "evt_1").send().await.status, 500);
    assert_eq!(event(&app, "/hello", "evt_1").send().await.text(), "hello");
}

#[tokio::test]
async fn of_two_concurrent_events_with_one_id_one_is_forwarded() {
    let receiver = Receiver::start().await;
    receiver.on("/", Behaviour::status(200).after_arrivals(2));
    let app = start(&probe(&format!("\"http://{}\"", receiver.address()))).await;
    let path = format!("/outbound?url={}", receiver.url("/"));
    let first = tokio::spawn(event(&app, &path, "evt_1").send());
    receiver.received(1).await;

    let second = event(&app, &path, "evt_1").send().await;
    assert_problem(&second, 409, "in-progress");
    assert!(second.header("retry-after").is_some(), "{second:?}");
    assert_eq!(receiver.requests().len(), 1);

    Request::post(receiver.url("/")).send().await;
    assert_eq!(first.await.expect("an response").status, 200);
}

#[tokio::test]
async fn an_event_with_an_incomplete_response_is_forwarded_again() {
    let app = start(&probe("")).await;
    for (number, path) in incomplete().iter().enumerate() {
        let id = format!("evt_{number}");
        for _ in 0..2 {
            let broken = event(&app, path, &id).try_send().await;
            // If nothing of the response was sent, the guard responds with an error.
            let whole = broken.is_ok_and(|reply| reply.status == 200);
            assert!(!whole, "{path}: the response looks complete");
        }
        assert_eq!(event(&app, "/hello", &id).send().await.text(), "hello");
        let again = event(&app, "/hello", &id).send().await;
        assert_eq!(
            again.text(),
            "Received payload before and verified integrity"
        );
    }
}

#[tokio::test]
async fn an_event_is_a_duplicate_as_soon_as_its_response_has_ended() {
    let app = start(&probe("")).await;
    let paths = ["/hello", "/status?code=204", "/stream?chunks=3&size=70000"];
    for (number, path) in paths.into_iter().enumerate() {
        for round in 0..10 {
            let id = format!("evt_{number}_{round}");
            let first = event(&app, path, &id).send().await;
            assert!([200, 204].contains(&first.status), "{path}: {first:?}");
            let again = event(&app, path, &id).send().await;
            assert_eq!(again.status, 200, "{path}: {again:?}");
            assert_eq!(
                again.text(),
                "Received payload before and verified integrity"
            );
        }
    }
}
