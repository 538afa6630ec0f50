//! Forms that no page of the session sent, over the wire.

use serde_json::json;
use test_support::Request;

use crate::visits::{Visitor, form_token, send_form};
use crate::world::World;

/// Every form of the pages, by its path.
const FORMS: [&str; 17] = [
    "/ui/sign-in",
    "/ui/sign-out",
    "/ui/keys",
    "/ui/keys/key_1/revoke",
    "/ui/rejected/one",
    "/ui/t/acme/new-endpoint",
    "/ui/t/acme/endpoints/orders/edit",
    "/ui/t/acme/endpoints/orders/test",
    "/ui/t/acme/endpoints/orders/enable",
    "/ui/t/acme/endpoints/orders/rotate",
    "/ui/t/acme/endpoints/orders/delete",
    "/ui/t/acme/events/evt_1/erase",
    "/ui/t/acme/deliveries/d/replay",
    "/ui/t/acme/rejected/x",
    "/ui/t/acme/replay",
    "/ui/t/acme/portal-links",
    "/ui/t/acme/portal-links/x/revoke",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_the_token_of_its_session_changes_nothing() {
    let world = World::start().await;
    world.endpoint("orders", "/hook", json!({})).await;
    let before = world
        .api("GET", "/v1/tenants/acme/endpoints/orders", None)
        .await;
    let visitor = Visitor::sign_in(&world).await;
    let other = Visitor::sign_in(&world).await;
    let foreign = form_token(&other.get("/ui/keys").await);
    let fields = [
        ("confirm", "orders"),
        ("enabled", "false"),
        ("name", "x"),
        ("url", "http://x"),
    ];
    for path in FORMS {
        for token in ["", "0", foreign.as_str()] {
            let mut fields = fields.to_vec();
            fields.push(("form_token", token));
            let reply = visitor.post(path, &fields).await;
            assert_eq!(reply.status, 403, "{path} {token}: {reply:?}");
        }
    }
    let after = world
        .api("GET", "/v1/tenants/acme/endpoints/orders", None)
        .await;
    assert_eq!(before.json(), after.json());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_another_site_sends_changes_nothing_even_with_the_token() {
    let world = World::start().await;
    world.endpoint("orders", "/hook", json!({})).await;
    let visitor = Visitor::sign_in(&world).await;
    let token = form_token(&visitor.get("/ui/t/acme/endpoints/orders").await);
    for site in ["cross-site", "same-site"] {
        let request = Request::post(world.url("/ui/t/acme/endpoints/orders/enable"))
            .header("cookie", &visitor.cookie)
            .header("sec-fetch-site", site);
        let fields = [("form_token", token.as_str()), ("enabled", "false")];
        assert_eq!(send_form(request, &fields).await.status, 403, "{site}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_form_works_without_a_session() {
    let world = World::start().await;
    for path in FORMS.into_iter().filter(|path| *path != "/ui/sign-in") {
        let reply = send_form(Request::post(world.url(path)), &[]).await;
        assert_eq!(reply.status, 303, "{path}: {reply:?}");
        assert_eq!(reply.header("location"), Some("/ui/sign-in"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_gives_an_event_the_tenant_that_it_should_have_named() {
    let world = World::start_with_rejected().await;
    world.endpoint("orders", "/hook", json!({})).await;
    let admin = Visitor::sign_in(&world).await;
    assert!(admin.get("/ui/").await.text().contains("/ui/rejected"));
    let listed = admin.get("/ui/rejected").await.text();
    assert!(
        listed.contains("rejected-2") && !listed.contains("rejected-1"),
        "{listed}"
    );
    assert_eq!(admin.get("/ui/rejected/rejected-1").await.status, 404);
    let page = "/ui/rejected/rejected-2";
    let fields = [("type", "order.paid"), ("data", "{\"id\": 18}")];
    let wrong = [&fields[..], &[("tenant", "acne")]].concat();
    let refused = admin.post_from(page, page, &wrong).await;
    assert!(
        refused.text().contains("The event is still rejected"),
        "{refused:?}"
    );
    let right = [&fields[..], &[("tenant", "acme")]].concat();
    let retried = admin.post_from(page, page, &right).await;
    let place = retried.header("location").unwrap_or_default();
    assert!(place.starts_with("/ui/t/acme/events/"), "{retried:?}");
    assert_eq!(world.receiver.received(1).await[0].body, b"{\"id\": 18}");

    let made = json!({ "name": "jo", "role": "operator", "tenant": "acme" });
    let made = world.api("POST", "/v1/keys", Some(made)).await.json();
    let jo = Visitor::sign_in_with(&world, made["key"].as_str().expect("a key")).await;
    assert_eq!(jo.get("/ui/rejected").await.status, 403);
    assert_eq!(jo.get(page).await.status, 404);
}
