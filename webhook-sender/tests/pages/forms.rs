//! Forms that no page of the session sent, over the wire.

use serde_json::json;
use test_support::Request;

use crate::visits::{Visitor, form_token, send_form};
use crate::world::World;

/// Every form of the pages, by its path.
const FORMS: [&str; 16] = [
    "/ui/sign-in",
    "/ui/sign-out",
    "/ui/keys",
    "/ui/keys/key_1/revoke",
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
