//! Failing guests, which must not affect other requests.

use test_support::{Behaviour, Receiver, Reply, Request, Running};
use tokio::task::JoinHandle;

use crate::probe::*;

/// A request in progress, in a separate instance, until [`finish`](Self::finish).
struct Bystander {
    receiver: Receiver,
    reply: JoinHandle<Reply>,
}

impl Bystander {
    async fn of(app: &Running) -> Self {
        let receiver = Receiver::start().await;
        receiver.on("/", Behaviour::status(200).after_arrivals(2));
        let url = app.url(&outbound(&receiver.url("/"), ""));
        let reply = tokio::spawn(Request::get(url).send());
        receiver.received(1).await;
        Self { receiver, reply }
    }

    async fn finish(self) {
        Request::get(self.receiver.url("/")).send().await;
        let reply = self.reply.await.expect("a response");
        assert_eq!(reply.json()["ok"]["status"], 200, "{reply:?}");
    }
}

#[tokio::test]
async fn a_failing_guest_is_a_500_and_does_not_affect_others() {
    let app = start(&probe()).await;
    let bystander = Bystander::of(&app).await;
    for path in [
        "/trap",
        "/panic",
        "/exit?code=0",
        "/exit?code=1",
        "/no-response",
    ] {
        let reply = get(&app, path).await;
        assert_eq!((reply.status, reply.text().as_str()), (500, ""), "{path}");
        assert_eq!(get(&app, "/hello").await.text(), "hello", "{path}");
    }
    bystander.finish().await;
}

#[tokio::test]
async fn a_failure_is_reported_with_its_component_and_reason() {
    let app = start(&probe()).await;
    get(&app, "/trap").await;
    app.stderr_has("component `probe` failed").await;
    app.stderr_has("unreachable").await;
    get(&app, "/bare/no-response").await;
    app.stderr_has("component `bare` failed").await;
    get(&app, "/panic").await;
    app.stderr_has("the probe was asked to panic").await;
}

#[tokio::test]
async fn looping_guests_do_not_block_other_guests() {
    let app = start(&probe()).await;
    // More loops than threads.
    let threads = std::thread::available_parallelism().map_or(4, usize::from);
    let loops: Vec<_> = (0..2 * threads)
        .map(|_| tokio::spawn(Request::get(app.url("/loop")).try_send()))
        .collect();
    for _ in 0..20 {
        assert_eq!(get(&app, "/hello").await.text(), "hello");
    }
    assert!(loops.iter().all(|reply| !reply.is_finished()));
    for reply in loops {
        reply.abort();
    }
}

#[tokio::test]
async fn a_looping_guest_is_stopped_at_the_execution_limit() {
    let app = start(&probe().args(["--max-execution", "1"])).await;
    let bystander = Bystander::of(&app).await;
    let reply = get(&app, "/loop").await;
    assert_eq!((reply.status, reply.text().as_str()), (500, ""));
    app.stderr_has("stopped after executing for 1s").await;
    // The bystander has waited for longer than the limit, and executed for less.
    bystander.finish().await;
}

#[tokio::test]
async fn a_guest_cannot_exceed_its_memory_limit() {
    let app = start(&probe().args(["--max-memory", "64"])).await;
    let bystander = Bystander::of(&app).await;
    let greedy: Vec<_> = (0..4)
        .map(|_| tokio::spawn(Request::get(app.url("/memory?mib=200")).send()))
        .collect();
    for reply in greedy {
        let reply = reply.await.expect("a response").json();
        let got = reply["got"].as_u64().expect("a number");
        assert!((32..64).contains(&got), "{reply}");
    }
    let modest = get(&app, "/memory?mib=16").await.json();
    assert_eq!(modest["got"], 16);
    bystander.finish().await;
}

#[tokio::test]
async fn a_response_is_aborted_if_its_guest_traps() {
    let app = start(&probe()).await;
    // With or without a length: a chunked body must not get its final chunk.
    for path in ["/late-trap?length=1000", "/late-trap"] {
        // If the guest traps before the head was sent, the connection is only closed.
        if let Ok(mut response) = Request::get(app.url(path)).open().await {
            assert_eq!(response.status, 200);
            let mut body = Vec::new();
            let end = loop {
                match response.next().await {
                    Some(Ok(bytes)) => body.extend_from_slice(&bytes),
                    end => break end,
                }
            };
            assert!(
                matches!(end, Some(Err(_))),
                "{path}: an aborted body must be incomplete"
            );
            // The guest may also trap between the head and the beginning of the body.
            assert!(
                b"the beginning of a body".starts_with(&body),
                "{path}: {body:?}"
            );
        }
        app.stderr_has("component `probe` failed").await;
        assert_eq!(get(&app, "/hello").await.text(), "hello");
    }
}
