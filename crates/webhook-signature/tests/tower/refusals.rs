//! Requests that pass the layer, and those that it rejects.

use test_support::{Reply, Request};
use webhook_signature::Scheme;
use webhook_signature::tower::VerifyLayer;

use super::receiver::{Receiver, layer};
use super::sender::{BODY, NOW, SECRET, headers, keys, signed, with_headers};

/// Returns the status and the code of a complete problem document.
fn problem(reply: &Reply) -> (u16, String) {
    assert_eq!(
        reply.header("content-type"),
        Some("application/problem+json")
    );
    let document = reply.json();
    assert_eq!(document["status"], reply.status);
    let code = document["code"].as_str().expect("a code").to_owned();
    let kind = format!("urn:signed-webhooks:problem:{code}");
    assert_eq!(document["type"], kind);
    assert!(document["title"].is_string(), "{document}");
    (reply.status, code)
}

#[tokio::test]
async fn the_handler_receives_the_exact_bytes_and_the_signed_properties() {
    let receiver = Receiver::start(layer().weakest(Scheme::Plain)).await;
    let bodies = [
        vec![],
        vec![0xff, 0x00, 0xfe],
        BODY.to_vec(),
        vec![0x5a; 1 << 20],
    ];
    for body in bodies {
        for scheme in Scheme::ALL {
            let request = with_headers(receiver.url(), headers(scheme, "evt_42", &body));
            let reply = request.body(body.clone()).send().await;
            assert_eq!(reply.status, 200, "{reply:?}");
            let (verified, received) = receiver.requests().pop().expect("the handler was called");
            assert_eq!(received, body);
            assert_eq!(verified.scheme, scheme);
            let id = (scheme == Scheme::Standard).then_some("evt_42");
            assert_eq!(verified.id.as_deref(), id);
            let at = (scheme != Scheme::Plain).then_some(NOW as i64);
            assert_eq!(verified.at, at);
        }
    }
    assert_eq!(receiver.calls(), 12);
}

#[tokio::test]
async fn a_rejected_request_gets_a_problem_document_and_never_reaches_the_handler() {
    let receiver = Receiver::start(layer().weakest(Scheme::Plain)).await;
    let changed = |name: &str, value: &str| {
        let mut headers = headers(Scheme::Standard, "evt_42", BODY);
        let header = headers.iter_mut().find(|(known, _)| *known == name);
        header.expect("such a header").1 = value.to_owned();
        with_headers(receiver.url(), headers).body(BODY)
    };
    let old = (NOW - 301).to_string();
    let new = (NOW + 301).to_string();
    for (request, code) in [
        (Request::post(receiver.url()).body(BODY), "missing-header"),
        (changed("webhook-id", "a.b"), "malformed-header"),
        (changed("webhook-signature", "v9,AAAA"), "unknown-scheme"),
        (changed("webhook-timestamp", &old), "too-old"),
        (changed("webhook-timestamp", &new), "too-new"),
        (changed("webhook-id", "evt_43"), "no-match"),
        (signed(receiver.url(), "evt_42").body("{}"), "no-match"),
        (
            signed(receiver.url(), "evt_42").header("Webhook-Id", "evt_42"),
            "malformed-header",
        ),
    ] {
        let reply = request.send().await;
        assert_eq!(problem(&reply), (400, code.to_owned()), "{reply:?}");
    }
    assert_eq!(receiver.calls(), 0);
}

#[tokio::test]
async fn schemes_weaker_than_standard_are_rejected_by_default() {
    for (weakest, passing) in [
        (None, &[Scheme::Standard][..]),
        (Some(Scheme::Wss), &[Scheme::Standard, Scheme::Wss]),
        (Some(Scheme::Plain), &Scheme::ALL),
    ] {
        let layer = weakest.map_or_else(layer, |weakest| layer().weakest(weakest));
        let receiver = Receiver::start(layer).await;
        for scheme in Scheme::ALL {
            let request = with_headers(receiver.url(), headers(scheme, "evt_42", BODY));
            let reply = request.body(BODY).send().await;
            let expected = if passing.contains(&scheme) { 200 } else { 400 };
            assert_eq!(reply.status, expected, "{weakest:?} {scheme:?}: {reply:?}");
        }
    }
}

#[tokio::test]
async fn the_tolerance_and_the_keys_are_configurable() {
    let at = |layer: VerifyLayer, seconds: u64| async move {
        let receiver = Receiver::start(layer.clock(move || NOW + seconds)).await;
        signed(receiver.url(), "evt_42").send().await.status
    };
    assert_eq!(at(layer(), 300).await, 200);
    assert_eq!(at(layer(), 301).await, 400);
    assert_eq!(at(layer().tolerance(10), 10).await, 200);
    assert_eq!(at(layer().tolerance(10), 11).await, 400);
    assert_eq!(at(VerifyLayer::new(keys(&["new", SECRET])), 0).await, 200);
    assert_eq!(at(VerifyLayer::new(keys(&["new"])), 0).await, 400);
    assert_eq!(at(VerifyLayer::new([]), 0).await, 400);
}

#[tokio::test]
async fn the_layer_uses_the_system_clock_by_default() {
    let receiver = Receiver::start(VerifyLayer::new(keys(&[SECRET]))).await;
    let reply = signed(receiver.url(), "evt_42").send().await;
    assert_eq!(problem(&reply), (400, "too-old".to_owned()));
}

#[tokio::test]
async fn a_body_beyond_the_limit_gets_413() {
    let receiver = Receiver::start(layer().max_body_bytes(BODY.len())).await;
    assert_eq!(signed(receiver.url(), "a").send().await.status, 200);

    let longer = [BODY, b"\0"].concat();
    let request = with_headers(receiver.url(), headers(Scheme::Standard, "b", &longer));
    let reply = request.body(longer).send().await;
    assert_eq!(problem(&reply), (413, "body-too-long".to_owned()));
    assert_eq!(receiver.calls(), 1);
}

#[tokio::test]
async fn a_rejection_names_the_likely_mistake() {
    let receiver = Receiver::start(layer().weakest(Scheme::Plain)).await;
    let detail = |reply: &Reply| {
        reply.json()["detail"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };

    let svix = Request::post(receiver.url()).header("svix-signature", "v1,AAAA");
    let svix = svix.body(BODY).send().await;
    assert_eq!(problem(&svix), (400, "missing-header".to_owned()));
    assert!(detail(&svix).contains("`svix-signature`"), "{svix:?}");

    let mut late = headers(Scheme::Standard, "evt_42", BODY);
    late[1].1 = format!("{NOW}000");
    let late = with_headers(receiver.url(), late).body(BODY).send().await;
    assert_eq!(problem(&late), (400, "too-new".to_owned()));
    assert!(detail(&late).contains("milliseconds"), "{late:?}");

    let tag = format!("sha256={}", "a".repeat(64));
    let prefixed = Request::post(receiver.url()).header("X-Signature", tag);
    let prefixed = prefixed.body(BODY).send().await;
    assert_eq!(problem(&prefixed), (400, "malformed-header".to_owned()));
    assert!(detail(&prefixed).contains("`sha256=`"), "{prefixed:?}");
}
