//! Access to a producer that has no token: for clients of this machine, and for no page of a browser.

use serde_json::json;
use test_support::{Receiver, Request, raw};

use crate::producer::{Producer, assert_problem};

/// A request with headers that no client library would send like this.
async fn exchange(producer: &Producer, head: &str, headers: &str) -> String {
    let request =
        format!("{head} HTTP/1.1\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n");
    raw::exchange(producer.0.address(), request.as_bytes()).await
}

#[tokio::test]
async fn no_page_of_a_browser_lists_registers_deletes_or_fires() {
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
            // A name of the attacker's that resolves to the loopback address.
            ("Host: attacker.example\r\n".to_owned(), "host-refused"),
            ("Host: attacker.example:3000\r\n".to_owned(), "host-refused"),
            (
                "Host: localhost.attacker.example\r\nspin-full-url: http://localhost/\r\n"
                    .to_owned(),
                "host-refused",
            ),
            // A form or a script of another site.
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
            let answer = exchange(&producer, head, &headers).await;
            assert!(
                answer.starts_with("HTTP/1.1 403 "),
                "{head} {headers}: {answer}"
            );
            assert!(
                answer.contains(code) && !answer.contains("signingKey"),
                "{answer}"
            );
        }
    }
    assert!(receiver.requests().is_empty(), "{:?}", receiver.requests());
    assert_eq!(producer.urls().await, [url]);
}

#[tokio::test]
async fn curl_fires_without_any_header_of_its_own() {
    let receiver = Receiver::start().await;
    let producer = Producer::start().await;
    producer.register(&receiver.url("/target"), "*").await;
    for host in [
        producer.0.address().to_string(),
        "localhost:3000".to_owned(),
    ] {
        let headers = format!("Host: {host}\r\nUser-Agent: curl/8.0\r\nAccept: */*\r\n");
        let answer = exchange(&producer, "POST /fire", &headers).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(answer.contains("\"status\":200"), "{answer}");
    }
    // A page that the producer itself would serve.
    let own = format!("Host: {0}\r\nOrigin: http://{0}\r\n", producer.0.address());
    let answer = exchange(&producer, "POST /fire", &own).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn with_a_token_a_client_may_be_anywhere_and_needs_it() {
    let producer = Producer::with("api_token=s3cret-of-the-operator").await;
    let page = "Host: producer.example\r\nOrigin: https://console.example\r\n";
    let bare = exchange(&producer, "GET /registrations", page).await;
    assert!(bare.starts_with("HTTP/1.1 401 "), "{bare}");
    let bearer = format!("{page}Authorization: Bearer s3cret-of-the-operator\r\n");
    let answer = exchange(&producer, "GET /registrations", &bearer).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn one_slash_at_the_end_makes_no_difference_and_head_is_as_get() {
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
