//! The guarded app on every available runtime.

use std::io::Write;

use serde_json::json;
use test_support::{Request, Runtime, raw};

use crate::guarded::*;
use crate::signing::{KEY, plain, standard, tag};

/// Sends a handshake, an accepted request, rejected requests, and repeated events.
async fn guarded(runtime: &Runtime) {
    let app = example().start(runtime).await;
    let body = json!({ "keyData": KEY }).to_string();
    let target = format!("/webhook?handshake=true&token={TOKEN}");
    let handshake = Request::post(app.url(&target)).json(body);
    assert_eq!(handshake.send().await.status, 200);

    let request = Request::new("PUT", app.url("/orders/7?a=%20b&c"))
        .header("X-One", "1")
        .header("X-Two", "2")
        .header("X-One", "3");
    let body = b"\x00\xff not UTF-8".to_vec();
    let reply = plain(request, body.clone()).send().await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let received = ReceivedRequest::of(&reply);
    assert_eq!(received.line, "PUT /orders/7?a=%20b&c");
    let expected = [
        ("content-length", body.len().to_string()),
        ("x-one", "1".to_owned()),
        ("x-one", "3".to_owned()),
        ("x-signature", tag(&body, KEY)),
        ("x-two", "2".to_owned()),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.into_bytes()));
    assert_eq!(received.headers, expected);
    assert_eq!(received.body, body);

    let large = vec![b'x'; 5 << 20];
    let reply = plain(Request::post(app.url("/large")), large.clone())
        .send()
        .await;
    assert!(ReceivedRequest::of(&reply).body == large);

    assert_problem(
        &Request::get(app.url("/orders")).send().await,
        400,
        "missing-header",
    );
    let forged = Request::post(app.url("/orders")).header("x-signature", "0".repeat(64));
    assert_problem(&forged.send().await, 400, "no-match");
    for request in [
        "GET /orders HTTP/1.1\r\nHost: app.spin.internal\r\nConnection: close\r\n\r\n",
        "GET http://app.spin.internal/orders HTTP/1.1\r\nHost: app.spin.internal\r\n\
         Connection: close\r\n\r\n",
    ] {
        // Some runtimes close the connection.
        let mut connection = raw::Connection::open(app.address()).await;
        connection.send(request.as_bytes()).await;
    }

    let event = |path: &str| standard(Request::post(app.url(path)), "evt_1", "body").send();
    for (path, status) in [("/e?status=503", 503), ("/e", 200), ("/e", 200)] {
        assert_eq!(event(path).await.status, status);
    }
    let reached = reached(&app);
    let expected = [
        format!("PUT /orders/7, {} bytes", body.len()),
        format!("POST /large, {} bytes", large.len()),
        "POST /e, 4 bytes".to_owned(),
        "POST /e, 4 bytes".to_owned(),
    ];
    assert_eq!(reached, expected);
    app.stop().await;
}

/// Writes to standard error directly, because the test harness hides the output of passing tests.
fn report(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[tokio::test]
async fn the_guarded_app_is_guarded_on_every_runtime() {
    let mut runtimes = vec![Runtime::spin_local()];
    match Runtime::spin() {
        Some(spin) => runtimes.push(spin),
        None => report("no `spin` on the PATH: the guard's test only runs on spin-local"),
    }
    for runtime in runtimes {
        guarded(&runtime).await;
        report(&format!("the guard's test passed on {}", runtime.name()));
    }
}
