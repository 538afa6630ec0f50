//! Both apps, end to end, on every available runtime.

use std::io::Write;

use serde_json::{Value, json};
use test_support::{Request, Runtime};

use crate::consumer;
use crate::producer;

/// Registers, fires, verifies, restarts, and fires again.
async fn register_fire_verify(runtime: &Runtime) {
    let (producer_app, consumer_app) = (producer::app(), consumer::app());
    let consumer = consumer_app.start(runtime).await;
    let target = consumer.url("/target");

    let first = producer_app.start(runtime).await;
    let registration = json!({ "url": target, "event": "order.*" }).to_string();
    let request = Request::post(first.url("/registrations")).json(registration);
    let registered = request.send().await;
    assert_eq!(registered.status, 201, "{registered:?}");
    fire(&first, "", &target).await;
    first.stop().await;

    let second = producer_app.start(runtime).await;
    let event = json!({ "event": "order.shipped", "data": { "id": 7 } }).to_string();
    fire(&second, &event, &target).await;
    second.stop().await;

    let log = consumer.log(consumer::COMPONENT);
    assert_eq!(
        log.matches("Payload verification result: true").count(),
        2,
        "{log}"
    );
    let forged = Request::post(target).header("x-signature", "0".repeat(64));
    assert_eq!(forged.json("{}").send().await.status, 400);
    consumer.stop().await;
}

async fn fire(producer: &test_support::Running, body: &str, target: &str) {
    let request = Request::post(producer.url("/fire")).json(body.to_owned());
    let reply = request.send().await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let rows: Vec<Value> = serde_json::from_slice(&reply.body).expect("rows");
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(
        (&rows[0]["url"], &rows[0]["status"]),
        (&json!(target), &json!(200))
    );
}

/// Writes to standard error directly, because the test harness hides the output of passing tests.
fn report(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[tokio::test]
async fn a_webhook_is_registered_signed_sent_and_verified_on_every_runtime() {
    let mut runtimes = vec![Runtime::spin_local()];
    match Runtime::spin() {
        Some(spin) => runtimes.push(spin),
        None => report("no `spin` on the PATH: the end-to-end test only runs on spin-local"),
    }
    for runtime in runtimes {
        register_fire_verify(&runtime).await;
        report(&format!("the end-to-end test passed on {}", runtime.name()));
    }
}
