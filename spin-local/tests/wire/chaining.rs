//! Calls between components, by `http://<component>.spin.internal`.

use serde_json::{Value, json};
use test_support::{App, Behaviour, Receiver, Request, Running, components, raw};

use crate::probe::*;

/// Returns an app with a public component `front` and the private components `back` and `last`. All
/// three are the probe.
fn chained(hosts_of_front: &str, hosts_of_back: &str, hosts_of_last: &str) -> App {
    let wasm = components::probe();
    let mut manifest = "spin_manifest_version = 2\n[application]\nname = \"chained\"\n".to_owned();
    let components = [
        ("front", "\"/...\"", hosts_of_front),
        ("back", "{ private = true }", hosts_of_back),
        ("last", "{ private = true }", hosts_of_last),
    ];
    for (id, route, hosts) in components {
        manifest += &format!(
            "[[trigger.http]]\nroute = {route}\ncomponent = \"{id}\"\n\
             [component.{id}]\nsource = {wasm:?}\nallowed_outbound_hosts = [{hosts}]\n"
        );
    }
    App::of_text(&manifest)
}

const BACK: &str = "\"http://back.spin.internal\"";
const ANY_COMPONENT: &str = "\"http://*.spin.internal\"";
const ANYTHING: &str = "\"*://*:*\"";

/// Returns the request as the called probe sees it, for a call of `front` with these parameters.
async fn echoed(app: &Running, url: &str, parameters: &str, body: &str) -> Value {
    let reply = post(app, &outbound(url, parameters), body).await;
    let shown = reply["ok"]["body"].as_str();
    let shown = shown.unwrap_or_else(|| panic!("no response in {reply}"));
    serde_json::from_str(shown).expect("JSON")
}

/// Encodes a URL for the query of another URL.
fn nested(path: &str) -> String {
    path.replace('%', "%25").replace('&', "%26")
}

#[tokio::test]
async fn a_called_component_sees_the_request_as_on_spin() {
    let app = start(&chained(BACK, "", "")).await;
    let url = "http://back.spin.internal/echo?a=%2520%26b";
    let parameters = "method=PATCH&header=X-One:1&header=X-Two:2&header=X-One:3";
    let echo = echoed(&app, url, parameters, "the body").await;
    assert_eq!(echo["method"], "PATCH");
    assert_eq!(echo["uri"], "/echo?a=%20&b");
    assert_eq!(echo["scheme"], "http");
    assert_eq!(echo["authority"], "back.spin.internal");
    assert_eq!(echo["body"], "the body");
    let expected = json!([
        ["x-one", "1"],
        ["x-one", "3"],
        ["x-two", "2"],
        ["spin-path-info", "/echo"],
        ["spin-full-url", "http://localhost/echo?a=%20&b"],
        ["spin-matched-route", "/..."],
        ["spin-base-path", "/"],
        ["spin-raw-component-route", "/..."],
        ["spin-component-route", ""],
        ["spin-client-addr", "0.0.0.0:0"],
    ]);
    assert_eq!(echo["headers"], expected);
}

#[tokio::test]
async fn the_response_of_a_called_component_is_unchanged() {
    let app = start(&chained(BACK, "", "")).await;
    let url = nested("http://back.spin.internal/status?code=418&header=X-Reason:teapot");
    let reply = get_json(&app, &outbound(&url, "")).await;
    assert_eq!(reply["ok"]["status"], 418);
    assert_eq!(reply["ok"]["body"], "status 418");
    let headers = json!([
        ["content-type", "text/plain; charset=utf-8"],
        ["x-reason", "teapot"]
    ]);
    assert_eq!(reply["ok"]["headers"], headers);
}

#[tokio::test]
async fn components_are_reachable_by_the_same_entries_as_on_spin() {
    for (entry, url) in [
        (BACK, "http://back.spin.internal/hello"),
        (BACK, "http://back.spin.internal:80/hello"),
        (ANY_COMPONENT, "http://back.spin.internal/hello"),
        ("\"http://*.internal\"", "http://back.spin.internal/hello"),
        ("\"http://*\"", "http://back.spin.internal/hello"),
        (
            "\"*://back.spin.internal:*\"",
            "https://back.spin.internal:8443/hello",
        ),
        (
            "\"https://back.spin.internal\"",
            "https://back.spin.internal/hello",
        ),
    ] {
        let app = start(&chained(entry, "", "")).await;
        let reply = get_json(&app, &outbound(url, "")).await;
        assert_eq!(reply["ok"]["body"], "hello", "{entry} {url}: {reply}");
    }
}

#[tokio::test]
async fn a_call_of_a_component_that_is_not_allowed_is_denied() {
    for (entry, url) in [
        ("", "http://back.spin.internal/hello"),
        (BACK, "http://last.spin.internal/hello"),
        (BACK, "https://back.spin.internal/hello"),
        (BACK, "http://back.spin.internal:81/hello"),
        ("\"http://self\"", "http://back.spin.internal/hello"),
        // The entry stands for the components of the app only.
        (ANY_COMPONENT, "http://nobody.spin.internal/hello"),
        (ANY_COMPONENT, "http://a.back.spin.internal/hello"),
    ] {
        let app = start(&chained(entry, "", "")).await;
        let reply = get_json(&app, &outbound(url, "")).await;
        assert_eq!(error_of(&reply), "http-request-denied", "{entry} {url}");
    }
}

#[tokio::test]
async fn a_called_component_does_not_have_the_allowed_hosts_of_its_caller() {
    let receiver = Receiver::start().await;
    let entry = format!("{ANY_COMPONENT}, \"http://{}\"", receiver.address());
    let app = start(&chained(&entry, "", "")).await;
    let reply = get_json(&app, &outbound(&receiver.url("/"), "")).await;
    assert_eq!(reply["ok"]["status"], 200, "the front is allowed: {reply}");
    for url in [
        receiver.url("/"),
        "http://last.spin.internal/hello".to_owned(),
    ] {
        let through_back = format!("http://back.spin.internal{}", outbound(&url, ""));
        let reply = echoed(&app, &through_back, "", "").await;
        assert_eq!(error_of(&reply), "http-request-denied", "{url}: {reply}");
    }
    assert_eq!(receiver.requests().len(), 1);
}

#[tokio::test]
async fn a_call_of_an_unknown_component_fails_and_is_reported() {
    let app = start(&chained(ANYTHING, "", "")).await;
    let reply = get_json(&app, &outbound("http://nobody.spin.internal/hello", "")).await;
    assert_eq!(error_of(&reply), "destination-not-found");
    app.stderr_has("component `front` calls `nobody.spin.internal`")
        .await;
}

#[tokio::test]
async fn a_failing_called_component_returns_500_and_the_caller_continues() {
    let app = start(&chained(BACK, "", "")).await;
    for path in ["/trap", "/panic", "/no-response"] {
        let url = format!("http://back.spin.internal{path}");
        let reply = get_json(&app, &outbound(&url, "")).await;
        assert_eq!(reply["ok"]["status"], 500, "{path}: {reply}");
        assert_eq!(reply["ok"]["bodyLength"], 0, "{path}: {reply}");
    }
    app.stderr_has("component `back` failed").await;
}

#[tokio::test]
async fn an_aborted_response_is_incomplete_for_the_caller() {
    let app = start(&chained(BACK, "", "")).await;
    for path in ["/late-trap", "/late-trap?length=1000"] {
        let url = format!("http://back.spin.internal{path}");
        let reply = get_json(&app, &outbound(&url, "")).await;
        assert_eq!(reply["phase"], "response-body", "{path}: {reply}");
    }
}

#[tokio::test]
async fn bodies_stream_both_ways_at_once() {
    let app = start(&chained(BACK, "", "")).await;
    let mut client = raw::Connection::open(app.address()).await;
    let head = "POST /relay?url=http://back.spin.internal/echo-body HTTP/1.1\r\n\
                Host: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    client.send(head.as_bytes()).await;
    for word in ["first", "second", "third"] {
        let chunk = format!("{:x}\r\n{word}\r\n", word.len());
        client.send(chunk.as_bytes()).await;
        // The echo arrives before the next chunk is sent.
        client.read_until(word).await;
    }
    client.send(b"0\r\n\r\n").await;
    let reply = client.read_to_end().await;
    assert!(reply.ends_with("0\r\n\r\n"), "{reply}");
}

#[tokio::test]
async fn a_body_larger_than_any_buffer_is_returned_unchanged() {
    let app = start(&chained(BACK, "", "")).await;
    let body: Vec<u8> = (0..8 << 20).map(|n: u32| (n % 251) as u8).collect();
    let url = app.url("/relay?url=http://back.spin.internal/echo-body");
    let reply = Request::post(url).body(body.clone()).send().await;
    assert_eq!(reply.status, 200);
    assert!(reply.body == body, "{} bytes came back", reply.body.len());
}

#[tokio::test]
async fn the_timeouts_of_the_caller_apply() {
    let app = start(&chained(BACK, "", "")).await;
    let slow = "http://back.spin.internal/slow?ms=60000";
    let reply = get_json(&app, &outbound(slow, "first_byte_ms=100")).await;
    assert_eq!(error_of(&reply), "connection-read-timeout");
    let drip = nested("http://back.spin.internal/stream?chunks=2&size=1&ms=60000");
    let reply = get_json(&app, &outbound(&drip, "between_bytes_ms=100")).await;
    assert_eq!(reply["phase"], "response-body", "{reply}");
}

/// Returns the path with which `front` makes `back` call a receiver, so that an instance of each is
/// held until the receiver responds.
fn held(receiver: &Receiver) -> String {
    let inner = outbound(&receiver.url("/"), "");
    outbound(&format!("http://back.spin.internal{inner}"), "")
}

#[tokio::test]
async fn every_concurrent_caller_can_have_a_call_in_progress() {
    let receiver = Receiver::start().await;
    // No call gets a response before all eight callers have a call in progress.
    receiver.on("/", Behaviour::status(200).after_arrivals(8));
    let entry = format!("\"http://{}\"", receiver.address());
    let app = chained(BACK, &entry, "").args(["--max-instances", "8"]);
    let app = start(&app).await;
    let calls: Vec<_> = (0..40)
        .map(|_| tokio::spawn(Request::post(app.url(&held(&receiver))).send()))
        .collect();
    for call in calls {
        let reply = call.await.expect("a response");
        assert_eq!(reply.json()["ok"]["status"], 200, "{reply:?}");
    }
    assert_eq!(receiver.requests().len(), 40);
    assert_eq!(receiver.most_at_once(), 8);
}

#[tokio::test]
async fn nested_calls_wait_for_permits_without_deadlock() {
    let app = chained(BACK, "\"http://last.spin.internal\"", "").args(["--max-instances", "4"]);
    let app = start(&app).await;
    // More callers than permits at any depth, and fewer permits at each further depth.
    let inner = outbound("http://last.spin.internal/slow?ms=5", "");
    let path = outbound(&format!("http://back.spin.internal{inner}"), "");
    let calls: Vec<_> = (0..60)
        .map(|_| tokio::spawn(Request::post(app.url(&path)).send()))
        .collect();
    for call in calls {
        let reply = call.await.expect("a response");
        assert_eq!(reply.json()["ok"]["status"], 200, "{reply:?}");
    }
}

#[tokio::test]
async fn a_call_without_a_permit_within_its_timeout_fails() {
    let receiver = Receiver::start().await;
    receiver.on("/", Behaviour::status(200).after_arrivals(2));
    let last = format!("\"http://{}\"", receiver.address());
    let app = chained(BACK, "\"http://last.spin.internal\"", &last);
    let app = start(&app.args(["--max-instances", "2"])).await;
    // Two callers, two called components, and one permit for their calls.
    let through = |inner: &str, options: &str| {
        let inner = outbound(
            &nested(&format!("http://last.spin.internal{inner}")),
            options,
        );
        outbound(&nested(&format!("http://back.spin.internal{inner}")), "")
    };
    let holds = through(&outbound(&receiver.url("/"), ""), "");
    let holder = tokio::spawn(Request::post(app.url(&holds)).send());
    receiver.received(1).await;

    let refused = get_json(&app, &through("/hello", "connect_ms=100")).await;
    let refused = refused["ok"]["body"]
        .as_str()
        .expect("a response of the back");
    assert!(refused.contains("connection-limit-reached"), "{refused}");
    app.stderr_has("component `back` cannot call `last`").await;

    Request::post(receiver.url("/")).send().await;
    assert_eq!(
        holder.await.expect("a response").json()["ok"]["status"],
        200
    );
    let late = get_json(&app, &through("/hello", "connect_ms=100")).await;
    assert!(
        late["ok"]["body"]
            .as_str()
            .is_some_and(|text| text.contains("hello"))
    );
}

#[tokio::test]
async fn endless_recursion_between_components_is_stopped() {
    let app = start(&chained(ANY_COMPONENT, "", "")).await;
    // The front calls itself by its own name, to the depth in the path.
    let deep = |calls: usize| {
        let call =
            |path: String, _| format!("/outbound?url=http://front.spin.internal{}", nested(&path));
        (0..calls).fold("/hello".to_owned(), call)
    };
    let innermost = |reply: Value| {
        let mut reply = reply;
        while let Some(inner) = reply["ok"]["body"].as_str() {
            match serde_json::from_str(inner) {
                Ok(value) => reply = value,
                Err(_) => return inner.to_owned(),
            }
        }
        error_of(&reply).to_owned()
    };
    assert_eq!(innermost(get_json(&app, &deep(4)).await), "hello");
    assert_eq!(innermost(get_json(&app, &deep(5)).await), "loop-detected");
    app.stderr_has("component `front` cannot call `front`")
        .await;
}

#[tokio::test]
async fn a_disconnected_client_releases_the_permits_of_its_request() {
    let receiver = Receiver::start().await;
    receiver.on("/", Behaviour::status(200).after_arrivals(2));
    let back = format!("\"http://{}\"", receiver.address());
    let app = start(&chained(BACK, &back, "").args(["--max-instances", "1"])).await;
    let url = app.url(&held(&receiver));
    let gone = tokio::spawn(Request::post(url.clone()).send());
    receiver.received(1).await;
    gone.abort();
    assert!(gone.await.is_err());
    Request::post(receiver.url("/")).send().await;
    let reply = Request::post(url).send().await;
    assert_eq!(reply.json()["ok"]["status"], 200, "{reply:?}");
}

#[tokio::test]
async fn calls_in_flight_finish_at_shutdown() {
    let receiver = Receiver::start().await;
    receiver.on("/", Behaviour::status(200).after_arrivals(2));
    let back = format!("\"http://{}\"", receiver.address());
    let app = start(&chained(BACK, &back, "")).await;
    let call = tokio::spawn(Request::post(app.url(&held(&receiver))).send());
    receiver.received(1).await;
    app.terminate();
    app.stderr_has("waiting for requests in flight").await;
    Request::post(receiver.url("/")).send().await;
    assert_eq!(call.await.expect("a response").json()["ok"]["status"], 200);
    assert_eq!(app.ended().await.status.code(), Some(0));
}
