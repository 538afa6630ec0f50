//! Addresses at the moment of a connection.

use std::time::Duration;

use bytes::Bytes;
use test_support::{Behaviour, Receiver};
use tokio::time::Instant;
use url::Url;
use webhook_client::{CallError, Client, Policy, Response, Settings, UrlError, WebhookRequest};

use super::policy::loopback;

/// Posts an empty object, without checking the URL beforehand.
pub async fn post(client: &Client, url: &str) -> Result<Response, CallError> {
    let post = WebhookRequest {
        url: &Url::parse(url).unwrap(),
        fairness_key: "acme",
        headers: &[],
        body: &Bytes::from_static(b"{}"),
        keep_response: 256,
        deadline: Instant::now() + Duration::from_secs(60),
    };
    client.post(&post).await
}

/// Returns a response after which the connection stays open.
pub fn reply() -> &'static str {
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
}

fn client(policy: Policy) -> Client {
    let settings = Settings {
        policy,
        ..Settings::default()
    };
    Client::new(settings).unwrap()
}

#[tokio::test]
async fn an_unchecked_url_is_checked_when_it_is_called() {
    let receiver = Receiver::start().await;
    let strict = client(Policy {
        allow_http: true,
        ..Policy::default()
    });
    let refused = post(&strict, &receiver.url("/")).await.unwrap_err();
    assert!(
        matches!(refused, CallError::Url(UrlError::Address(_))),
        "{refused:?}"
    );
    let secure = client(Policy {
        allow_http: false,
        ..loopback()
    });
    let refused = post(&secure, &receiver.url("/")).await.unwrap_err();
    assert_eq!(refused, CallError::Url(UrlError::Http));
    let named = format!("http://user:pass@{}/", receiver.address());
    let refused = post(&client(loopback()), &named).await.unwrap_err();
    assert_eq!(refused, CallError::Url(UrlError::Credentials));
    assert_eq!(receiver.requests().len(), 0);
}

#[tokio::test]
async fn an_allowed_address_is_called_in_every_spelling() {
    let receiver = Receiver::start().await;
    let client = client(loopback());
    let port = receiver.address().port();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.0.0.1.",
    ] {
        let response = post(&client, &format!("http://{host}:{port}/")).await;
        assert_eq!(response.unwrap().status, 200, "{host}");
    }
    assert_eq!(receiver.requests().len(), 6);
}

#[tokio::test]
async fn the_systems_resolver_is_asked_for_names() {
    let receiver = Receiver::start().await;
    let client = client(loopback());
    let url = format!("http://localhost:{}/", receiver.address().port());
    assert_eq!(post(&client, &url).await.unwrap().status, 200);
    let host = receiver.requests()[0].header("host").unwrap().to_owned();
    assert_eq!(host, format!("localhost:{}", receiver.address().port()));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let receiver = Receiver::start().await;
    let client = client(loopback());
    for path in ["/moved", "http://169.254.169.254/latest/meta-data/"] {
        receiver.on("/", Behaviour::redirect(path));
        assert_eq!(post(&client, &receiver.url("/")).await.unwrap().status, 302);
    }
    let paths: Vec<_> = receiver
        .requests()
        .into_iter()
        .map(|request| request.path)
        .collect();
    assert_eq!(paths, ["/", "/"]);
}
