//! Fixing what failed, in a browser.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_previews_a_transform_saves_it_and_tests_it() {
    let world = World::start().await;
    world.endpoint("orders", "/hook", json!({})).await;
    world
        .publish("evt_1", "order.paid", json!({ "id": 7, "total": 30 }))
        .await;
    world.delivered("evt_1", "succeeded").await;
    let browser = Browser::start().await;
    world.sign_in(&browser).await;

    browser
        .open(&world.url("/ui/t/acme/endpoints/orders"))
        .await;
    browser.click("Edit, with a preview").await;
    browser.fill("transform", "{'order': event.data.").await;
    browser.click("Preview").await;
    browser.until_text("A value is invalid").await;
    browser.fill("transform", "{'order': event.data.id}").await;
    browser.fill("filter", "event.data.total > 50").await;
    browser.click("Preview").await;
    browser.until_text("Not sent: the filter is false").await;
    browser.fill("filter", "event.data.total > 20").await;
    browser.click("Preview").await;
    browser.until_text("Sent, with this body").await;
    browser.until_text("\"order\": 7").await;
    let stored = world
        .api("GET", "/v1/tenants/acme/endpoints/orders", None)
        .await;
    assert_eq!(
        stored.json()["transform"],
        Value::Null,
        "a preview saves nothing"
    );

    browser.click("Save").await;
    browser.until_text("The endpoint is saved").await;
    let stored = world
        .api("GET", "/v1/tenants/acme/endpoints/orders", None)
        .await;
    assert_eq!(stored.json()["transform"], "{'order': event.data.id}");

    browser.click("Send a test delivery").await;
    browser.until_text("Test delivery succeeded").await;
    assert_eq!(world.receiver.received(2).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_secret_is_shown_once_and_the_old_one_signs_during_the_overlap() {
    let world = World::start().await;
    world.endpoint("orders", "/hook", json!({})).await;
    let browser = Browser::start().await;
    world.sign_in(&browser).await;
    browser
        .open(&world.url("/ui/t/acme/endpoints/orders"))
        .await;
    browser.fill("overlap", "2h").await;
    browser.click("Rotate the secret").await;
    browser.until_text("After 2h").await;
    let secret = browser.element("pre.secret").await.text().await;
    assert!(secret.starts_with("whsec_"), "{secret}");
    browser.click("To the endpoint").await;
    browser
        .until_text("the previous one expires in 1 hour")
        .await;
    assert!(!browser.source().await.contains(&secret));

    world.publish("evt_1", "order.paid", json!({})).await;
    let request = &world.receiver.received(1).await[0];
    let signatures = request.header("webhook-signature").expect("signatures");
    assert_eq!(signatures.split(' ').count(), 2, "{signatures}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_shows_its_count_before_it_acts() {
    let world = World::start().await;
    world.endpoint("orders", "/fails", json!({})).await;
    for id in ["evt_1", "evt_2"] {
        world.publish(id, "order.paid", json!({})).await;
        world.delivered(id, "dead").await;
    }
    world
        .receiver
        .on("/fails", test_support::Behaviour::status(200));
    let browser = Browser::start().await;
    world.sign_in(&browser).await;
    browser.open(&world.url("/ui/t/acme/dead-letters")).await;
    browser.click("Replay what matches").await;
    browser.until_text("2 deliveries would be replayed").await;
    assert_eq!(
        world.receiver.received(2).await.len(),
        2,
        "nothing is replayed yet"
    );
    browser.click("Replay 2 deliveries").await;
    browser.until_text("Replay: 2 deliveries due again").await;
    world.delivered("evt_1", "succeeded").await;
    world.delivered("evt_2", "succeeded").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_added_disabled_and_deleted() {
    let world = World::start().await;
    let browser = Browser::start().await;
    world.sign_in(&browser).await;
    browser.open(&world.url("/ui/t/acme")).await;
    browser.click("Add an endpoint").await;
    browser.fill("url", &world.receiver.url("/hook")).await;
    browser.fill("id", "orders").await;
    browser.click("Add the endpoint").await;
    browser.until_text("It is shown only now").await;
    browser.click("To the endpoint").await;
    browser.click("Disable the endpoint").await;
    browser.until_text("The endpoint is disabled").await;
    browser.fill("confirm", "orders").await;
    browser.click("Delete the endpoint").await;
    browser.until_text("The endpoint is deleted").await;
    let listed = world.api("GET", "/v1/tenants/acme/endpoints", None).await;
    assert_eq!(listed.json()["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_event_is_corrected_and_delivered() {
    let world = World::start_with_rejected().await;
    world.endpoint("orders", "/hook", json!({})).await;
    let browser = Browser::start().await;
    world.sign_in(&browser).await;
    browser.open(&world.url("/ui/t/acme/rejected")).await;
    browser.click("rejected-1").await;
    browser.until_text("The event was rejected").await;
    let source = browser.source().await;
    assert!(
        !source.contains("<script>alert") && !source.contains('\u{1b}'),
        "{source}"
    );
    browser.fill("type", "order..shipped").await;
    browser.click("Retry the event").await;
    browser.until_text("The event is still rejected").await;
    browser.fill("type", "order.shipped").await;
    browser.click("Retry the event").await;
    browser
        .until_text("The event is accepted, and will be delivered")
        .await;
    world.delivered("rejected-1", "succeeded").await;
    assert_eq!(world.receiver.received(1).await[0].body, b"{\"id\": 17}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_data_of_a_rejected_event_is_corrected() {
    let world = World::start_with_rejected().await;
    world.endpoint("orders", "/hook", json!({})).await;
    let browser = Browser::start().await;
    world.sign_in(&browser).await;
    browser
        .open(&world.url("/ui/t/acme/rejected/rejected-1"))
        .await;
    browser.fill("type", "order.shipped").await;
    browser.fill("data", "{\"id\": 18, }").await;
    browser.click("Retry the event").await;
    browser.until_text("The data is not JSON").await;
    let data = "{\"id\": 18, \"total\": 1.50}";
    browser.fill("data", data).await;
    browser.click("Retry the event").await;
    browser
        .until_text("The event is accepted, and will be delivered")
        .await;
    world.delivered("rejected-1", "succeeded").await;
    assert_eq!(world.receiver.received(1).await[0].body, data.as_bytes());
}
