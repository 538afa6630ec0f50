//! Concurrency: every accepted request needs an instance of the guard and one of the app.

use test_support::{Behaviour, Receiver, Request};

use crate::guarded::*;
use crate::signing::{plain, standard};

const NO_LIMIT: &str = "it has no option that limits the instances";

#[tokio::test]
async fn more_requests_than_instances_all_get_a_response() {
    if left_out_on_spin(NO_LIMIT) {
        return;
    }
    let app = start(&app().args(["--max-instances", "2"])).await;
    let requests: Vec<_> = (0..60)
        .map(|n| {
            let request = Request::post(app.url("/orders"));
            tokio::spawn(standard(request, &format!("evt_{n}"), "body").send())
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.expect("a response").status, 200);
    }
    assert_eq!(reached(&app).len(), 60);
}

#[tokio::test]
async fn a_client_that_disconnects_frees_its_instances() {
    if left_out_on_spin(NO_LIMIT) {
        return;
    }
    let receiver = Receiver::start().await;
    receiver.on("/", Behaviour::status(200).after_arrivals(2));
    let app = probe(&format!("\"http://{}\"", receiver.address()));
    let app = start(&app.args(["--max-instances", "1"])).await;
    let held = app.url(&format!("/outbound?url={}", receiver.url("/")));
    let gone = tokio::spawn(plain(Request::post(held), "").send());
    receiver.received(1).await;
    gone.abort();
    assert!(gone.await.is_err());
    Request::post(receiver.url("/")).send().await;
    let reply = plain(Request::post(app.url("/hello")), "").send().await;
    assert_eq!(reply.text(), "hello");
}
