//! Finding out what happened, in a browser.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::browser::Browser;
use crate::look::Scheme;
use crate::world::World;

/// Sends deliveries that succeed and fail, and returns the id of a failed one.
async fn some_deliveries(world: &World) -> String {
    world.endpoint("orders", "/hook", json!({})).await;
    let only = json!({ "events": ["invoice.*"] });
    world.endpoint("accounting", "/fails", only).await;
    for number in 0..3 {
        let kind = ["order.paid", "order.shipped", "invoice.sent"][number];
        let data = json!({ "id": number, "total": 10 * number });
        world.publish(&format!("evt_{number}"), kind, data).await;
    }
    world.delivered("evt_1", "succeeded").await;
    world.delivered("evt_2", "succeeded").await;
    world.delivered("evt_2", "dead").await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_signs_in_and_finds_out_why_a_delivery_failed() {
    let world = World::start().await;
    let delivery = some_deliveries(&world).await;
    let browser = Browser::start().await;

    browser.open(&world.url("/ui/")).await;
    browser.fill("key", "not-the-key").await;
    browser.click("Sign in").await;
    browser.until_text("The key is wrong").await;
    world.sign_in(&browser).await;

    browser.click("acme").await;
    browser.until_text("Newest dead letters").await;
    browser.click("Deliveries").await;
    browser.until_text("order.shipped").await;
    browser.fill("type", "invoice.sent").await;
    let dead = "select[name=state] option[value=dead]";
    browser.element(dead).await.click().await;
    browser.click("Filter").await;
    browser.until_text("Replay what matches").await;
    assert!(
        browser.url().await.contains("state=dead&type=invoice.sent")
            || browser.url().await.contains("type=invoice.sent")
    );
    assert!(!browser.text().await.contains("order.shipped"));

    browser.click(&delivery).await;
    browser.until_text("Attempt 1").await;
    let text = browser.text().await;
    assert!(
        text.contains("This delivery is dead") && text.contains("oops"),
        "{text}"
    );
    assert!(text.contains("webhook-sender verify"), "{text}");
    assert!(text.contains("webhook-signature: v1,"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_live_view_shows_a_delivery_within_a_second() {
    let world = World::start().await;
    world.endpoint("orders", "/hook", json!({})).await;
    let browser = Browser::start().await;
    world.sign_in(&browser).await;
    browser.open(&world.url("/ui/t/acme/live")).await;
    browser.until_text("Waiting for deliveries").await;
    let began = Instant::now();
    world.publish("evt_1", "order.paid", json!({})).await;
    browser.until_text("attempt 1: 200").await;
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_accessible_and_fits_at_every_width() {
    let world = World::start().await;
    let delivery = some_deliveries(&world).await;
    let browser = Browser::start().await;
    let pages = [
        ("sign-in", "/ui/sign-in".to_owned()),
        ("tenants", "/ui/".to_owned()),
        ("overview", "/ui/t/acme".to_owned()),
        ("empty", "/ui/t/globex".to_owned()),
        ("events", "/ui/t/acme/events".to_owned()),
        ("event", "/ui/t/acme/events/evt_2".to_owned()),
        ("deliveries", "/ui/t/acme/deliveries".to_owned()),
        ("delivery", format!("/ui/t/acme/deliveries/{delivery}")),
        ("endpoints", "/ui/t/acme/endpoints".to_owned()),
        ("endpoint", "/ui/t/acme/endpoints/accounting".to_owned()),
        ("new-endpoint", "/ui/t/acme/new-endpoint".to_owned()),
        ("editor", "/ui/t/acme/endpoints/accounting/edit".to_owned()),
        ("dead-letters", "/ui/t/acme/dead-letters".to_owned()),
        ("rejected", "/ui/t/acme/rejected".to_owned()),
        ("replay", "/ui/t/acme/replay?state=dead".to_owned()),
        ("live", "/ui/t/acme/live".to_owned()),
        ("portal-links", "/ui/t/acme/portal-links".to_owned()),
        ("unassigned", "/ui/rejected".to_owned()),
        ("keys", "/ui/keys".to_owned()),
        ("audit", "/ui/audit".to_owned()),
        ("error", "/ui/t/acme/events/none".to_owned()),
    ];
    let mut defects = String::new();
    for (name, path) in &pages {
        if *name == "tenants" {
            world.sign_in(&browser).await;
        }
        browser.show_as(1280, Scheme::Light).await;
        browser.open(&world.url(path)).await;
        browser.picture(name).await;
        let mut note = |found: String, how: &str| {
            if !found.is_empty() {
                defects += &format!("{name}, {how}:\n{found}\n");
            }
        };
        note(browser.accessibility_defects().await, "light");
        for width in [360, 2560] {
            for scheme in [Scheme::Light, Scheme::Dark] {
                browser.show_as(width, scheme).await;
                let is_light = browser.lightness().await > 127.0;
                assert_eq!(is_light, scheme == Scheme::Light, "{name} in {scheme}");
                let how = format!("{width} pixels, {scheme}");
                note(browser.reading_defects().await, &how);
            }
        }
        note(browser.contrast_defects().await, "dark");
    }
    assert!(defects.is_empty(), "{defects}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_strip_of_an_endpoint_has_its_last_attempts_and_the_overview_all_endpoints() {
    let world = World::start().await;
    // More than the overview once added up.
    for number in 0..25 {
        let only = json!({ "events": ["other"] });
        world
            .endpoint(&format!("idle-{number}"), "/idle", only)
            .await;
    }
    let only = json!({ "events": ["order.*"], "retry": ["0s", "0s", "0s"] });
    world.endpoint("zulu", "/fails", only).await;
    world.publish("evt_1", "order.paid", json!({})).await;
    world.delivered("evt_1", "dead").await;
    world.counted("zulu", "dead", 1).await;
    let browser = Browser::start().await;
    world.sign_in(&browser).await;
    browser.open(&world.url("/ui/t/acme")).await;
    browser
        .until_text("Attempts: 0 succeeded, 3 failed. Deliveries that became dead letters: 1.")
        .await;
    browser.open(&world.url("/ui/t/acme/endpoints/zulu")).await;
    browser
        .until_text("The latest 3, the oldest first: 0 succeeded, 3 failed")
        .await;
}
