//! Markup and control characters of strangers, on every page that shows them.

use serde_json::{Value, json};
use test_support::{Behaviour, Request};

use crate::visits::Visitor;
use crate::world::World;

const MARKUP: &str = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>";

/// Returns a text with markup, an escape of a terminal and a character that reorders text.
fn hostile() -> String {
    format!("{MARKUP}\u{1b}[31m\u{202e}")
}

/// Fills everything that a publisher or a receiver can fill, and returns the delivery's id.
async fn fill(world: &World) -> String {
    let response = Behaviour::status(500)
        .header("x-hostile", MARKUP)
        .header("content-type", "text/html")
        .body(hostile());
    world.receiver.on("/hostile", response);
    world.endpoint("orders", "/hostile", json!({})).await;
    let kind = "<script>alert(1)</script>.b";
    let body = json!({
        "id": "evt_1",
        "type": kind,
        "data": { "text": hostile(), (hostile()): 1 },
        "ordering_key": MARKUP,
    });
    let path = "/v1/tenants/acme/events";
    let reply = world.api("POST", path, Some(body)).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    world.delivered("evt_1", "dead").await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_strangers_write_is_text_on_every_page() {
    let world = World::start().await;
    let delivery = fill(&world).await;
    let visitor = Visitor::sign_in(&world).await;
    let pages = [
        "/ui/t/acme".to_owned(),
        "/ui/t/acme/events".to_owned(),
        "/ui/t/acme/events/evt_1".to_owned(),
        "/ui/t/acme/deliveries".to_owned(),
        format!("/ui/t/acme/deliveries/{delivery}"),
        "/ui/t/acme/dead-letters".to_owned(),
        "/ui/t/acme/endpoints/orders".to_owned(),
        "/ui/t/acme/endpoints/orders/edit".to_owned(),
        "/ui/t/acme/live".to_owned(),
    ];
    for path in &pages {
        let page = visitor.get(path).await;
        assert_eq!(page.status, 200, "{path}: {page:?}");
        check(path, &page.text());
    }
    let shown = visitor.get(&pages[4]).await.text();
    assert!(
        shown.contains("␛[31m") && shown.contains("⟨U+202E⟩"),
        "{shown}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_strangers_write_stays_in_the_fields_of_the_form_that_corrects_it() {
    let world = World::start_with_rejected().await;
    let visitor = Visitor::sign_in(&world).await;
    for path in ["/ui/t/acme/rejected", "/ui/t/acme/rejected/rejected-3"] {
        let page = visitor.get(path).await;
        assert_eq!(page.status, 200, "{path}: {page:?}");
        check(path, &page.text());
    }
}

/// Checks that a page has no other scripts than its own, and no raw control characters.
fn check(path: &str, page: &str) {
    let scripts = page.matches("<script").count();
    assert_eq!(
        scripts,
        page.matches("<script src=\"/ui/assets/").count(),
        "{path}"
    );
    for raw in ["<img", "onerror=alert(1)>", "\u{1b}", "\u{202e}"] {
        assert!(!page.contains(raw), "{path} has `{raw}`");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_put_nothing_on_a_page() {
    let world = World::start().await;
    world.endpoint("orders", "/hook", json!({})).await;
    let visitor = Visitor::sign_in(&world).await;
    let hostile = "%3Cscript%3Ealert(1)%3C/script%3E%22%27%3E%1B%E2%80%AE";
    for page in [
        "deliveries",
        "events",
        "endpoints",
        "dead-letters",
        "replay",
        "rejected",
    ] {
        let names = [
            "type", "endpoint", "event", "status", "find", "source", "done", "count", "cursor",
        ];
        for name in names {
            let path = format!("/ui/t/acme/{page}?{name}={hostile}");
            check_address(&path, &visitor.get(&path).await.text());
        }
    }
    for path in [
        format!("/ui/t/{hostile}"),
        format!("/ui/t/acme/events/{hostile}"),
        format!("/ui/t/acme/deliveries/{hostile}"),
        format!("/ui/portal/{hostile}"),
        format!("/ui/?id={hostile}"),
    ] {
        check_address(&path, &visitor.get(&path).await.text());
    }
}

fn check_address(path: &str, page: &str) {
    assert!(!page.contains("<script>"), "{path}: {page}");
    let own = page.matches("<script src=\"/ui/assets/").count();
    assert_eq!(page.matches("<script").count(), own, "{path}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_response_has_the_headers_that_keep_it_here() {
    let world = World::start().await;
    let visitor = Visitor::sign_in(&world).await;
    let mut replies = Vec::new();
    for path in [
        "/ui/",
        "/ui/t/acme",
        "/ui/t/acme/none",
        "/ui/none",
        "/ui/portal/none",
    ] {
        replies.push((path, visitor.get(path).await));
    }
    replies.push((
        "/ui/sign-in",
        Request::get(world.url("/ui/sign-in")).send().await,
    ));
    for (path, reply) in replies {
        let header = |name| {
            reply
                .header(name)
                .unwrap_or_else(|| panic!("{path}: no {name}"))
        };
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"));
        assert!(
            policy.ends_with("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(header("cache-control"), "no-store", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_shows_a_secret_again() {
    let world = World::start().await;
    let headers = json!({ "headers": { "authorization": "Bearer receivers-own-secret" } });
    let made = world.endpoint("orders", "/hook", headers).await;
    let secret = made["secret"].as_str().expect("a secret").to_owned();
    world.publish("evt_1", "order.paid", Value::Null).await;
    let delivery = world.delivered("evt_1", "succeeded").await;
    let visitor = Visitor::sign_in(&world).await;
    let path = "/ui/t/acme/endpoints/orders";
    let rotate = format!("{path}/rotate");
    let rotated = visitor.post_from(path, &rotate, &[("overlap", "1h")]).await;
    assert_eq!(rotated.status, 200, "{rotated:?}");
    assert!(rotated.text().contains("whsec_"), "{rotated:?}");
    for path in [
        path.to_owned(),
        format!("{path}/edit"),
        format!("/ui/t/acme/deliveries/{delivery}"),
        "/ui/t/acme/endpoints".to_owned(),
    ] {
        let page = visitor.get(&path).await.text();
        for hidden in [secret.as_str(), "whsec_", "receivers-own-secret"] {
            assert!(!page.contains(hidden), "{path} has {hidden}");
        }
    }
}
