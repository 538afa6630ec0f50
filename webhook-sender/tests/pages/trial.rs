//! The work of an operator from the first page on, by the links and forms that the pages offer.

use serde_json::{Value, json};
use test_support::Behaviour;

use crate::browser::Browser;
use crate::world::World;

/// The transform of the endpoint, for events as they were until an hour ago.
const TRANSFORM: &str = "{'order': event.data.id, 'amount': event.data.amount}";

/// Publishes events as they were, and as they are since the transform fails. Returns the ids of the latter.
async fn some_events(world: &World) -> Vec<String> {
    for number in 0..3 {
        let data = json!({ "id": number, "amount": 10 });
        world
            .publish(&format!("old_{number}"), "invoice.sent", data)
            .await;
    }
    let mut failed = Vec::new();
    for number in 3..6 {
        let (id, data) = (
            format!("new_{number}"),
            json!({ "id": number, "total": { "amount": 20 } }),
        );
        world.publish(&id, "invoice.sent", data).await;
        failed.push(id);
    }
    world
        .publish("other", "order.paid", json!({ "id": 9 }))
        .await;
    failed
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_finds_what_fails_sees_why_fixes_it_and_replays_what_failed() {
    let world = World::start().await;
    world
        .endpoint("orders", "/orders", json!({ "events": ["order.*"] }))
        .await;
    let more = json!({ "events": ["invoice.*"], "transform": TRANSFORM });
    world.endpoint("accounting", "/accounting", more).await;
    let failed = some_events(&world).await;
    for id in &failed {
        world.delivered(id, "dead").await;
    }
    let browser = Browser::start().await;
    world.sign_in(&browser).await;
    browser.click("acme").await;

    // Find it.
    browser.until_text("Endpoints that need attention").await;
    browser
        .until_text("3 dead letters of the last 24 hours")
        .await;
    let attention = browser
        .element("section[aria-labelledby=troubled]")
        .await
        .text()
        .await;
    assert!(
        attention.contains("accounting") && !attention.contains("orders"),
        "{attention}"
    );
    browser.click("accounting").await;

    // See why.
    browser.until_text("Endpoint accounting").await;
    browser.until_text("Newest dead letters").await;
    browser.until_text("not sent:").await;
    let newest = browser
        .element("section[aria-labelledby=dead] td:last-child a")
        .await;
    newest.click().await;
    browser.until_text("This delivery is dead").await;
    browser.click("Change the filter or the transform").await;

    // Fix it, with a preview.
    browser.until_text("\"total\"").await;
    browser.click("Preview").await;
    browser.until_text("Not sent: the expression failed").await;
    let fixed = "{'order': event.data.id, 'amount': event.data.total.amount}";
    browser.fill("transform", fixed).await;
    browser.click("Preview").await;
    browser.until_text("Sent, with this body").await;
    browser.until_text("\"amount\": 20").await;
    browser.click("Save").await;
    browser.until_text("The endpoint is saved").await;

    // Replay what failed.
    browser.click("Replay its dead letters").await;
    browser.until_text("3 deliveries would be replayed").await;
    browser.click("Replay 3 deliveries").await;
    browser.until_text("Replay: 3 deliveries due again").await;
    for id in &failed {
        world.delivered(id, "succeeded").await;
    }
    let sent = world.receiver.requests_to("/accounting");
    let amounts: Vec<Value> = sent.iter().map(|it| it.json()["amount"].clone()).collect();
    assert_eq!(amounts, [10, 10, 10, 20, 20, 20]);
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_that_a_receiver_rejects_are_sent_again_as_the_corrected_transform_makes_them() {
    let world = World::start().await;
    let rejects = Behaviour::status(422).body("the member `amount` is missing");
    world.receiver.on("/accounting", rejects);
    let more = json!({ "events": ["invoice.*"], "retry": ["0s", "1h"], "transform": "{'id': event.data.id}" });
    world.endpoint("accounting", "/accounting", more).await;
    let data = json!({ "id": 1, "amount": 30 });
    world.publish("evt_1", "invoice.sent", data).await;
    world.receiver.received(1).await;
    let delivery = world.delivered("evt_1", "pending").await;
    let browser = Browser::start().await;
    world.sign_in(&browser).await;
    browser.click("acme").await;
    browser.until_text("Newest pending deliveries").await;
    browser.click(&delivery).await;
    browser.until_text("the member `amount` is missing").await;
    browser.click("Change the filter or the transform").await;
    let fixed = "{'id': event.data.id, 'amount': event.data.amount}";
    browser.fill("transform", fixed).await;
    browser.click("Preview").await;
    browser.until_text("Sent, with this body").await;
    browser.click("Save").await;
    browser.until_text("The endpoint is saved").await;
    world.receiver.on("/accounting", Behaviour::status(200));
    browser.click("Try its pending deliveries again").await;
    browser.until_text("1 delivery would be replayed").await;
    browser.click("Replay 1 delivery").await;
    browser.until_text("Replay: 1 delivery due again").await;
    world.delivered("evt_1", "succeeded").await;
    let sent = world.receiver.requests_to("/accounting");
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[1].json(), json!({ "id": 1, "amount": 30 }));
}
