//! The portal of a tenant: what it reaches, and who may frame it.

use serde_json::json;
use test_support::raw::Connection;
use test_support::{Behaviour, Receiver, Request};

use crate::browser::Browser;
use crate::visits::{form_token, send_form};
use crate::world::World;

/// Returns the address of a portal of `acme`, without a slash at its end.
async fn link(world: &World, role: &str) -> String {
    let path = "/v1/tenants/acme/portal-sessions";
    let made = world.api("POST", path, Some(json!({ "role": role }))).await;
    assert_eq!(made.status, 201, "{made:?}");
    let url = made.json()["url"].as_str().expect("a link").to_owned();
    let entered = Request::get(url).send().await;
    assert_eq!(entered.status, 303, "{entered:?}");
    world.url(entered.header("location").expect("an address"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_portal_of_a_tenant_reaches_no_other_tenant() {
    let world = World::start().await;
    let other =
        json!({ "id": "secret-endpoint", "url": world.receiver.url("/x"), "events": ["*"] });
    let path = "/v1/tenants/globex/endpoints";
    assert_eq!(world.api("POST", path, Some(other)).await.status, 201);
    let body = json!({ "id": "evt_other", "type": "order.paid", "data": 1 });
    let path = "/v1/tenants/globex/events";
    assert_eq!(world.api("POST", path, Some(body)).await.status, 202);
    let portal = link(&world, "operator").await;
    assert_eq!(Request::get(&portal).send().await.status, 200);
    for path in [
        "/endpoints/secret-endpoint",
        "/endpoints/secret-endpoint/edit",
        "/events/evt_other",
        "/keys",
        "/audit",
        "/t/globex",
    ] {
        let reply = Request::get(format!("{portal}{path}")).send().await;
        assert_eq!(reply.status, 404, "{path}: {reply:?}");
    }
    // The session is no key's: the other pages do not take it.
    let token = portal.rsplit('/').next().unwrap();
    let request = Request::get(world.url("/ui/t/globex"));
    let cookie = format!("webhook_sender_session={token}");
    assert_eq!(request.header("cookie", cookie).send().await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_of_the_portal_reads_and_changes_nothing() {
    let world = World::start().await;
    world.endpoint("orders", "/hook", json!({})).await;
    let portal = link(&world, "viewer").await;
    let page = Request::get(format!("{portal}/endpoints/orders"))
        .send()
        .await;
    assert_eq!(page.status, 200);
    assert!(!page.text().contains("<form method=\"post\""), "{page:?}");
    let operators = link(&world, "operator").await;
    let token = form_token(
        &Request::get(format!("{operators}/endpoints/orders"))
            .send()
            .await,
    );
    for path in ["test", "enable", "rotate"] {
        let request = Request::post(format!("{portal}/endpoints/orders/{path}"));
        let reply = send_form(request, &[("form_token", &token)]).await;
        assert_eq!(reply.status, 403, "{path}: {reply:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_link_opens_nothing() {
    let world = World::start().await;
    let portal = link(&world, "viewer").await;
    assert_eq!(Request::get(&portal).send().await.status, 200);
    let path = "/v1/tenants/acme/portal-sessions";
    let listed = world.api("GET", path, None).await.json();
    let id = listed["items"][0]["id"].as_str().expect("an id");
    let revoked = world.api("DELETE", &format!("{path}/{id}"), None).await;
    assert_eq!(revoked.status, 204);
    let after = Request::get(&portal).send().await;
    assert_eq!(after.status, 404);
    assert!(after.text().contains("has expired or was revoked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_stream_ends_with_its_portal_session() {
    let world = World::start().await;
    let portal = link(&world, "viewer").await;
    let rest = portal.trim_start_matches("http://");
    let (address, path) = rest.split_once('/').expect("a path");
    let mut stream = Connection::open(address.parse().expect("an address")).await;
    let head = format!("GET /{path}/live/stream HTTP/1.1\r\nHost: {address}\r\n\r\n");
    stream.send(head.as_bytes()).await;
    stream.read_until(":\n\n").await;
    world.publish("evt_1", "order.paid", json!({})).await;
    let path = "/v1/tenants/acme/portal-sessions";
    let listed = world.api("GET", path, None).await.json();
    let id = listed["items"][0]["id"].as_str().expect("an id");
    let revoked = world.api("DELETE", &format!("{path}/{id}"), None).await;
    assert_eq!(revoked.status, 204);
    // The last chunk of the response.
    stream.read_until("\r\n0\r\n\r\n").await;
    world.publish("evt_2", "order.paid", json!({})).await;
    assert!(!stream.received().contains("evt_2"));
}

/// Serves a page that shows `url` in a frame.
async fn host(url: &str) -> Receiver {
    let host = Receiver::start().await;
    let page =
        format!("<!doctype html><title>Shop</title><iframe src=\"{url}\" width=800></iframe>");
    host.on(
        "/",
        Behaviour::status(200)
            .header("content-type", "text/html")
            .body(page),
    );
    host
}

/// Returns the text inside the frame of a host's page, if the browser shows it.
async fn framed(browser: &Browser, host: &Receiver) -> String {
    browser.open(&host.url("/")).await;
    let frame = browser.element("iframe").await;
    browser.enter(Some(&frame)).await;
    let text = browser.text().await;
    browser.enter(None).await;
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn only_configured_origins_may_frame_the_portal_and_nobody_the_other_pages() {
    let stranger_world = World::start().await;
    let portal_of_stranger = link(&stranger_world, "viewer").await;
    let browser = Browser::start().await;
    let stranger = host(&portal_of_stranger).await;
    let refused = framed(&browser, &stranger).await;
    assert!(!refused.contains("Overview"), "{refused}");

    let page = Receiver::start().await;
    let more = format!("[pages]\nembed_origins = [\"http://{}\"]\n", page.address());
    let world = World::start_with(&more).await;
    let portal = link(&world, "operator").await;
    world.endpoint("orders", "/hook", json!({})).await;
    let html = format!(
        "<!doctype html><title>Shop</title><iframe src=\"{portal}/endpoints/orders\" width=800 height=900></iframe>"
    );
    page.on(
        "/",
        Behaviour::status(200)
            .header("content-type", "text/html")
            .body(html),
    );
    let shown = framed(&browser, &page).await;
    assert!(shown.contains("Circuit breaker"), "{shown}");
    // Forms work in the frame, where the browser sends no cookie.
    let frame = browser.element("iframe").await;
    browser.enter(Some(&frame)).await;
    browser.click("Send a test delivery").await;
    browser.until_text("Test delivery succeeded").await;

    let signed_in = host(&world.url("/ui/sign-in")).await;
    let refused = framed(&browser, &signed_in).await;
    assert!(!refused.contains("Key"), "{refused}");
}
