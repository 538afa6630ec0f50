//! One producer, and consumers in all languages.

use serde_json::{Value, json};
use test_support::{App, Request, Running, Runtime, components};

use crate::examples;

const VERIFIED: &str = "Payload verification result: true";

async fn register(producer: &Running, consumer: &Running) {
    let body = json!({ "url": consumer.url("/target"), "event": "*" }).to_string();
    let request = Request::post(producer.url("/registrations")).json(body);
    let reply = request.send().await;
    assert_eq!(reply.status, 201, "{reply:?}");
}

async fn fire_at_all(runtime: &Runtime) {
    let migrations = format!("@{}", components::migrations().display());
    let producer = App::from(components::producer())
        .args([
            "--sqlite",
            &migrations,
            "--variable",
            "allow_private_hosts=true",
        ])
        .start(runtime)
        .await;
    let mut consumers = vec![(
        "webhook-consumer",
        App::from(components::consumer())
            .args(["--variable", "open_handshake=true"])
            .start(runtime)
            .await,
    )];
    for example in examples::all() {
        consumers.push((example.name, example.app(&[]).start(runtime).await));
    }
    for (_, consumer) in &consumers {
        register(&producer, consumer).await;
    }
    let reply = Request::post(producer.url("/fire")).send().await;
    let rows: Vec<Value> = serde_json::from_slice(&reply.body).expect("rows");
    assert_eq!(rows.len(), consumers.len(), "{rows:?}");
    assert!(rows.iter().all(|row| row["status"] == 200), "{rows:?}");
    for (name, consumer) in consumers {
        let log = consumer.log(name);
        assert_eq!(log.matches(VERIFIED).count(), 1, "{name}: {log}");
        consumer.stop().await;
    }
    producer.stop().await;
}

#[tokio::test]
async fn one_firing_is_verified_in_every_language() {
    fire_at_all(&Runtime::spin_local()).await;
}

#[tokio::test]
async fn one_firing_is_verified_in_every_language_on_spin_if_it_is_installed() {
    if let Some(spin) = Runtime::spin() {
        fire_at_all(&spin).await;
    }
}
