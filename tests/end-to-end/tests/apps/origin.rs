//! Access to a producer without a token: for clients on this machine, but not for web pages.

use serde_json::json;
use test_support::{Receiver, Request, raw};

use crate::producer::{Producer, assert_problem};

/// Sends a request with headers that no client library would send like this.
async fn exchange(producer: &Producer, head: &str, headers: &str) -> String {
    let request =
        format!("{head} HTTP/1.1\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n");
    raw::exchange(producer.0.address(), request.as_bytes()).await
}

#[tokio::test]
async fn a_web_page_cannot_list_register_delete_or_fire() {
    let receiver = Receiver::start().await;
    let producer = Producer::start().await;
    let url = receiver.url("/target");
    producer.register(&url, "*").await;
    receiver.forget();
    let host = producer.0.address();
    for head in [
        "POST /fire",
        "GET /registrations",
        "DELETE /registrations?all=true",
        "POST /registrations",
        "GET /nothing",
    ] {
        for (headers, code) in [
            // A name of the attacker that resolves to the loopback address.
            ("Host: attacker.example\r\n".to_owned(), "host-refused"),
            ("Host: attacker.example:3000\r\n".to_owned(), "host-refused"),
            (
                "Host: localhost.attacker.example\r\nspin-full-url: http://localhost/\r\n"
                    .to_owned(),
                "host-refused",
            ),
            // A form or a script on another site.
            (
                format!("Host: {host}\r\nOrigin: http://attacker.example\r\n"),
                "cross-site",
            ),
            (format!("Host: {host}\r\nOrigin: null\r\n"), "cross-site"),
            (
                format!("Host: {host}\r\nSec-Fetch-Site: cross-site\r\n"),
                "cross-site",
            ),
        ] {
            let response = exchange(&producer, head, &headers).await;
            assert!(
                response.starts_with("HTTP/1.1 403 "),
                "{head} {headers}: {response}"
            );
            assert!(
                response.contains(code) && !response.contains("signingKey"),
                "{response}"
            );
        }
    }
    assert!(receiver.requests().is_empty(), "{:?}", receiver.requests());
    assert_eq!(producer.urls().await, [url]);
}

#[tokio::test]
async fn curl_can_fire_without_special_headers() {
    let receiver = Receiver::start().await;
    let producer = Producer::start().await;
    producer.register(&receiver.url("/target"), "*").await;
    for host in [
        producer.0.address().to_string(),
        "localhost:3000".to_owned(),
    ] {
        let headers = format!("Host: {host}\r\nUser-Agent: curl/8.0\r\nAccept: */*\r\n");
        let response = exchange(&producer, "POST /fire", &headers).await;
        assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
        assert!(response.contains("\"status\":200"), "{response}");
    }
    // A page that is served by the producer's own origin.
    let own = format!("Host: {0}\r\nOrigin: http://{0}\r\n", producer.0.address());
    let response = exchange(&producer, "POST /fire", &own).await;
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
}

#[tokio::test]
async fn with_a_token_clients_may_be_anywhere_and_need_it() {
    let producer = Producer::with("api_token=s3cret-of-the-operator").await;
    let page = "Host: producer.example\r\nOrigin: https://console.example\r\n";
    let bare = exchange(&producer, "GET /registrations", page).await;
    assert!(bare.starts_with("HTTP/1.1 401 "), "{bare}");
    let bearer = format!("{page}Authorization: Bearer s3cret-of-the-operator\r\n");
    let response = exchange(&producer, "GET /registrations", &bearer).await;
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
}

#[tokio::test]
async fn one_slash_at_the_end_is_ignored_and_head_is_handled_like_get() {
    let receiver = Receiver::start().await;
    let producer = Producer::start().await;
    let body = json!({ "url": receiver.url("/target"), "event": "", "name": "shop" });
    let registered = Request::post(producer.0.url("/registrations/"));
    let registered = registered.json(body.to_string()).send().await;
    assert_eq!(registered.status, 201, "{registered:?}");
    assert_eq!(registered.json()["event"], "*");
    assert!(registered.text().ends_with("}\n"), "{registered:?}");
    for path in ["/registrations", "/registrations/", "/healthz/"] {
        let get = Request::get(producer.0.url(path)).send().await;
        let head = Request::new("HEAD", producer.0.url(path)).send().await;
        assert_eq!(
            (get.status, head.status, head.body.len()),
            (200, 200, 0),
            "{path}"
        );
        assert_eq!(get.header("content-length"), head.header("content-length"));
    }
    let wrong = Request::new("HEAD", producer.0.url("/fire")).send().await;
    assert_eq!(wrong.status, 405, "{wrong:?}");
    let missing = Request::get(producer.0.url("/registrations//"))
        .send()
        .await;
    assert_problem(&missing, 404, "not-found");
}
