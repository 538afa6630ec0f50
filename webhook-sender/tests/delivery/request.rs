//! Requests as receivers get them.

use std::collections::BTreeMap;

use test_support::{Receiver, Recorded};
use webhook_model::{Clock, Endpoint, Millis, Secret};
use webhook_signature::{Credential, Freshness, Request, Scheme, verify};

use super::support::{SECRET, Setup, World};

const NOW: Millis = Millis(1_614_265_330_500);
const OLD: &str = "the secret before the present one";
const OLDER: &str = "the secret before that, which is the oldest";

/// Delivers one event at [`NOW`] to an endpoint that `change` has changed.
async fn delivered(body: &[u8], change: impl FnOnce(&mut Endpoint)) -> Recorded {
    let receiver = Receiver::start().await;
    let world = World::of(Setup {
        clock: Clock::standing_at(NOW),
        ..Setup::default()
    })
    .await;
    let endpoint = world
        .endpoint("orders", &receiver.url("/hooks?a=b%20c"), change)
        .await;
    world.publish(&endpoint, "evt_1", body);
    let request = receiver.received(1).await.remove(0);
    world.store.all_succeed(&endpoint).await;
    world.end().await;
    request
}

fn verified(request: &Recorded, secrets: &[&str]) -> Result<(), webhook_signature::Refusal> {
    let keys: Vec<_> = secrets
        .iter()
        .map(|secret| Credential::parse(*secret).unwrap())
        .collect();
    let headers = request
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_slice()));
    let now = Freshness::at(NOW.seconds());
    let signed = Request::new(headers, &request.body);
    verify(&keys, &signed, now, Scheme::Plain).map(|_| ())
}

#[tokio::test]
async fn a_request_has_the_documented_form() {
    let body = "{\"a\":  1,\n\t\"b\": \"\\u00e4 \u{e4}\"}\0\u{7f}".as_bytes();
    let request = delivered(body, |_| {}).await;
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("POST", "/hooks")
    );
    assert_eq!(request.query.as_deref(), Some("a=b%20c"));
    assert_eq!(request.body, body, "byte for byte");
    assert_eq!(request.header("content-type"), Some("application/json"));
    let agent = format!("webhook-sender/{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(request.header("user-agent"), Some(agent.as_str()));
    assert_eq!(
        request.header("content-length"),
        Some(body.len().to_string().as_str())
    );
    assert_eq!(request.header("webhook-id"), Some("evt_1"));
    assert_eq!(request.header("webhook-timestamp"), Some("1614265330"));
    assert_eq!(request.header("x-wss-timestamp"), Some("1614265330"));
    assert_eq!(
        request.header("x-signature"),
        None,
        "a scheme that is not configured"
    );
    assert_eq!(verified(&request, &[SECRET]), Ok(()));
    assert!(verified(&request, &["another secret"]).is_err());
}

#[tokio::test]
async fn every_configured_scheme_signs() {
    for scheme in Scheme::ALL {
        let request = delivered(b"{}", |endpoint| endpoint.schemes = vec![scheme]).await;
        for other in Scheme::ALL {
            let present = request.header(other.header()).is_some();
            assert_eq!(present, other == scheme, "{}", other.name());
        }
        assert_eq!(verified(&request, &[SECRET]), Ok(()), "{}", scheme.name());
    }
}

#[tokio::test]
async fn secrets_sign_until_they_expire() {
    let expiring = |text: &str, at: u64| {
        let mut secret = Secret::new(text).unwrap();
        secret.expires_at = Some(Millis(at));
        secret
    };
    let request = delivered(b"{}", |endpoint| {
        // The newer of the two old secrets has the shorter overlap.
        endpoint.secrets.push(expiring(OLD, NOW.0));
        endpoint.secrets.push(expiring(OLDER, NOW.0 + 1));
    })
    .await;
    assert_eq!(verified(&request, &[SECRET]), Ok(()));
    assert_eq!(verified(&request, &[OLDER]), Ok(()));
    assert!(verified(&request, &[OLD]).is_err());
    let list = request.header("webhook-signature").unwrap();
    assert_eq!(list.split(' ').count(), 2);
    assert!(request.header("x-wss-signature-previous").is_some());
}

#[tokio::test]
async fn headers_of_the_endpoint_are_sent_and_do_not_replace_signed_ones() {
    let headers = [
        ("Authorization", "Bearer t0ken"),
        ("content-type", "application/cloudevents+json"),
        ("Host", "elsewhere.example"),
        ("Content-Length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("webhook-id", "forged"),
        ("X-WSS-Signature", "forged"),
        ("X-Split", "a\r\nX-Forged: b"),
    ];
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let headers: BTreeMap<_, _> = headers.into_iter().map(own).collect();
    let request = delivered(b"{}", |endpoint| endpoint.headers = headers).await;
    assert_eq!(request.header("authorization"), Some("Bearer t0ken"));
    assert_eq!(
        request.header("content-type"),
        Some("application/cloudevents+json")
    );
    assert_eq!(request.header("webhook-id"), Some("evt_1"));
    assert!(request.header("host").unwrap().starts_with("127.0.0.1:"));
    assert_eq!(request.body, b"{}");
    assert!(!request.mentions("forged") && request.header("x-forged").is_none());
    assert_eq!(verified(&request, &[SECRET]), Ok(()));
}

#[tokio::test]
async fn a_large_body_arrives_completely() {
    let body: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let request = delivered(&body, |_| {}).await;
    assert!(request.body == body);
    assert_eq!(verified(&request, &[SECRET]), Ok(()));
}
