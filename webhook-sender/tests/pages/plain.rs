//! The pages without JavaScript.

use crate::browser::Browser;
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn everything_but_the_live_view_works_without_javascript() {
    let world = World::start().await;
    let delivery = world.dead_delivery().await;
    let browser = Browser::without_scripts().await;
    world.sign_in(&browser).await;
    browser.click("acme").await;
    browser.until_text("Newest dead letters").await;
    for (link, text) in [
        ("Events", "order.paid"),
        ("Deliveries", "order.paid"),
        ("Endpoints", "orders"),
        ("Rejected events", "There are no rejected events"),
        ("Live", "This page needs JavaScript"),
        ("Dead letters", "Replay what matches"),
    ] {
        browser.click(link).await;
        browser.until_text(text).await;
    }
    browser.fill("type", "order.paid").await;
    browser.click("Filter").await;
    browser.click(&delivery).await;
    browser.until_text("Attempt 1").await;
    browser.click("Replay this delivery").await;
    browser.until_text("Replay: 1 delivery due again").await;
    world.delivered("evt_1", "succeeded").await;
    browser
        .open(&world.url("/ui/t/acme/endpoints/orders"))
        .await;
    browser.click("Edit, with a preview").await;
    browser.click("Preview").await;
    browser.until_text("Sent, with this body").await;
    browser.click("Sign out").await;
    browser.until_text("You are signed out").await;
}
