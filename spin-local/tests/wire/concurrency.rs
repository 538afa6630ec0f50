//! Concurrent requests: those over the limit wait and do not fail.

use test_support::{Behaviour, Receiver, Request};

use crate::probe::*;

/// Sends two hundred concurrent requests, each of which must succeed.
async fn send_two_hundred(url: &str) {
    let requests: Vec<_> = (0..200)
        .map(|_| tokio::spawn(Request::get(url).send()))
        .collect();
    for request in requests {
        let reply = request.await.expect("a response");
        assert_eq!(reply.json()["ok"]["status"], 200, "{reply:?}");
    }
}

#[tokio::test]
async fn two_hundred_requests_are_served_eight_at_a_time() {
    let receiver = Receiver::start().await;
    // No request gets a response before eight are in progress.
    receiver.on("/", Behaviour::status(200).after_arrivals(8));
    let app = start(&probe().args(["--max-instances", "8"])).await;
    send_two_hundred(&app.url(&outbound(&receiver.url("/"), ""))).await;
    assert_eq!(receiver.requests().len(), 200);
    assert_eq!(receiver.most_at_once(), 8);
}

#[tokio::test]
async fn two_hundred_requests_are_served_at_the_same_time_by_default() {
    let receiver = Receiver::start().await;
    receiver.on("/", Behaviour::status(200).after_arrivals(200));
    let app = start(&probe()).await;
    send_two_hundred(&app.url(&outbound(&receiver.url("/"), ""))).await;
    assert_eq!(receiver.most_at_once(), 200);
}

#[tokio::test]
async fn concurrent_writes_are_not_lost() {
    let app = start(&probe()).await;
    execute(&app, "CREATE TABLE t (n)").await;
    let statement = serde_json::json!({ "statement": "INSERT INTO t VALUES (1)" }).to_string();
    let mut requests = Vec::new();
    for n in 0..50 {
        let set = Request::post(app.url(&format!("/kv/set?key={n}"))).body("x");
        let insert = Request::post(app.url("/sqlite/execute")).body(statement.clone());
        requests.extend([set, insert].map(|request| tokio::spawn(request.send())));
    }
    for request in requests {
        let reply = request.await.expect("a response").json();
        assert!(reply.get("ok").is_some(), "{reply}");
    }
    let rows = &execute(&app, "SELECT count(*) FROM t").await["ok"]["rows"];
    assert_eq!(rows, &serde_json::json!([[{ "integer": 50 }]]));
    assert_eq!(
        get_json(&app, "/kv/keys").await["ok"]
            .as_array()
            .map(Vec::len),
        Some(50)
    );
}
