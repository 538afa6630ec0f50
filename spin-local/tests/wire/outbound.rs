//! Outbound HTTP: requests, responses, and the error code of each failure.

use serde_json::json;
use test_support::{Behaviour, Receiver, Request};

use crate::address;
use crate::probe::*;

/// The URLs of the own app: as Spin's SDK writes them for a path, and for clients that require a
/// name.
const SELF: [&str; 2] = ["http://:80/hello", "http://self.alt/hello"];

const ANY_HTTP: &str = "allowed_outbound_hosts = [\"http://*:*\", \"https://*:*\"]";

#[tokio::test]
async fn a_request_is_sent_as_the_guest_built_it() {
    let receiver = Receiver::start().await;
    let app = start(&probe()).await;
    let url = receiver.url("/a%2520b?c=d");
    let path = outbound(
        &url.replace('&', "%26"),
        "method=PUT&header=X-One:1&header=X-One:2",
    );
    let reply = post(&app, &path, "the body").await;
    assert_eq!(reply["ok"]["status"], 200, "{reply}");

    let request = &receiver.requests()[0];
    assert_eq!(request.method, "PUT");
    assert_eq!(
        (request.path.as_str(), request.query.as_deref()),
        ("/a%20b", Some("c=d"))
    );
    assert_eq!(request.body, b"the body");
    assert_eq!(
        request.header("host"),
        Some(receiver.address().to_string().as_str())
    );
    let ones = request.headers.iter().filter(|(name, _)| name == "x-one");
    assert_eq!(
        ones.map(|(_, value)| value.as_slice()).collect::<Vec<_>>(),
        [b"1", b"2"]
    );
    assert!(
        !request
            .headers
            .iter()
            .any(|(name, _)| name.starts_with("spin-")),
        "{request:?}"
    );
}

#[tokio::test]
async fn a_response_is_passed_on_unchanged() {
    let receiver = Receiver::start().await;
    let large = "x".repeat(1 << 20);
    receiver.on(
        "/",
        Behaviour::status(503)
            .header("x-reason", "tired")
            .body(large.clone()),
    );
    let app = start(&probe()).await;
    let reply = get_json(&app, &outbound(&receiver.url("/"), "")).await;
    assert_eq!(reply["ok"]["status"], 503);
    assert_eq!(reply["ok"]["bodyLength"], large.len());
    let beginning = reply["ok"]["body"].as_str().expect("a body");
    assert!(
        !beginning.is_empty() && large.starts_with(beginning),
        "{beginning}"
    );
    let headers = reply["ok"]["headers"].as_array().expect("a list");
    assert!(
        headers.contains(&json!(["x-reason", "tired"])),
        "{headers:?}"
    );
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let receiver = Receiver::start().await;
    receiver.on("/", Behaviour::redirect(&receiver.url("/elsewhere")));
    let app = start(&probe()).await;
    let reply = get_json(&app, &outbound(&receiver.url("/"), "")).await;
    assert_eq!(reply["ok"]["status"], 302);
    assert_eq!(receiver.requests().len(), 1);
}

/// Returns the error of a request by a guest that is allowed to call every host.
async fn failure(url: &str, parameters: &str) -> String {
    let app = start(&probe_with(ANY_HTTP)).await;
    let reply = get_json(&app, &outbound(url, parameters)).await;
    error_of(&reply).to_owned()
}

#[tokio::test]
async fn a_refused_connection_is_connection_refused() {
    let address = address::refusing().await;
    let url = format!("http://{address}/");
    assert_eq!(failure(&url, "").await, "connection-refused");
}

#[tokio::test]
async fn a_name_without_an_address_is_a_dns_error() {
    // RFC 6761: a name in `.invalid` never has an address.
    assert_eq!(failure("http://nobody.invalid/", "").await, "dns-error");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connection_that_is_not_accepted_is_a_connection_timeout() {
    let full = address::Full::start().await;
    let url = format!("http://{}/", full.address());
    assert_eq!(failure(&url, "connect_ms=100").await, "connection-timeout");
}

#[tokio::test]
async fn a_response_that_does_not_begin_is_a_read_timeout() {
    let receiver = Receiver::start().await;
    receiver.on("/", Behaviour::hang());
    let url = receiver.url("/");
    assert_eq!(
        failure(&url, "first_byte_ms=100").await,
        "connection-read-timeout"
    );
    assert_eq!(receiver.requests().len(), 1);
}

#[tokio::test]
async fn a_stalled_response_body_is_a_read_timeout() {
    let receiver = Receiver::start().await;
    receiver.on("/", Behaviour::stall());
    let app = start(&probe()).await;
    let path = outbound(&receiver.url("/"), "between_bytes_ms=100");
    let reply = get_json(&app, &path).await;
    assert_eq!(reply["phase"], "response-body", "{reply}");
    assert_eq!(error_of(&reply), "connection-read-timeout", "{reply}");
}

#[tokio::test]
async fn a_connection_closed_without_a_response_is_a_protocol_error() {
    let receiver = Receiver::start().await;
    receiver.on("/", Behaviour::close());
    assert_eq!(failure(&receiver.url("/"), "").await, "http-protocol-error");
}

#[tokio::test]
async fn tls_to_a_server_without_tls_is_a_tls_error() {
    let receiver = Receiver::start().await;
    let url = format!("https://{}/", receiver.address());
    assert_eq!(failure(&url, "").await, "tls-protocol-error");
    assert!(receiver.requests().is_empty());
}

#[tokio::test]
async fn an_app_can_call_itself_if_self_is_allowed() {
    let app = start(&probe_with("allowed_outbound_hosts = [\"http://self\"]")).await;
    for url in SELF {
        let reply = get_json(&app, &outbound(url, "")).await;
        assert_eq!(reply["ok"]["body"], "hello", "{url}: {reply}");
    }
    let elsewhere = format!("http://{}/hello", app.address());
    let reply = get_json(&app, &outbound(&elsewhere, "")).await;
    assert_eq!(error_of(&reply), "http-request-denied");
}

#[tokio::test]
async fn an_app_cannot_call_itself_if_self_is_not_allowed() {
    let app = start(&probe()).await;
    for url in SELF {
        let reply = get_json(&app, &outbound(url, "")).await;
        assert_eq!(error_of(&reply), "http-request-denied", "{url}: {reply}");
    }
}

#[tokio::test]
async fn a_blocked_network_is_prohibited_even_if_the_manifest_allows_it() {
    let receiver = Receiver::start().await;
    let app = probe_with(ANY_HTTP);
    let config = "[outbound_networking]\nblock_networks = [\"private\"]\n";
    let config = app.file("runtime.toml", config);
    let app = app.args(["--runtime-config-file".into(), config.into_os_string()]);
    let app = start(&app).await;
    let port = receiver.address().port();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
        let url = format!("http://{host}:{port}/");
        let reply = get_json(&app, &outbound(&url, "")).await;
        assert_eq!(
            error_of(&reply),
            "destination-ip-prohibited",
            "{host}: {reply}"
        );
    }
    assert!(receiver.requests().is_empty());
}

#[tokio::test]
async fn a_disconnected_client_does_not_affect_others() {
    let receiver = Receiver::start().await;
    receiver.on("/held", Behaviour::status(200).after_arrivals(2));
    let app = start(&probe()).await;
    let held = app.url(&outbound(&receiver.url("/held"), ""));
    let gone = tokio::spawn(Request::get(held.clone()).send());
    receiver.received(1).await;
    gone.abort();
    assert!(gone.await.is_err());
    let reply = Request::get(held).send().await.json();
    assert_eq!(reply["ok"]["status"], 200, "{reply}");
}

#[tokio::test]
async fn a_denied_origin_is_reported_with_its_port() {
    let app = start(&probe()).await;
    for url in [
        "http://localhost:81/path",
        "https://[::1]:8443/",
        "http://example.com/",
    ] {
        let reply = get_json(&app, &outbound(url, "")).await;
        assert_eq!(error_of(&reply), "http-request-denied", "{url}");
    }
    let redis = get_json(
        &app,
        "/redis/open?address=redis://user:secret@localhost:6380/3",
    )
    .await;
    assert_eq!(error_of(&redis), "invalid-address");
    for origin in [
        "http://localhost:81",
        "https://[::1]:8443",
        "http://example.com",
        "redis://localhost:6380",
    ] {
        app.stderr_has(&format!(
            "component `probe` is not allowed to connect to `{origin}`: "
        ))
        .await;
    }
    assert!(!app.stderr().contains("secret"));
}
