//! Signing in and out, over the wire.

use serde_json::json;
use test_support::Request;

use crate::visits::{Visitor, cookie, sign_in};
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_session_begins_with_a_key_and_ends_with_it() {
    let world = World::start().await;
    let made = json!({ "name": "jo", "role": "operator", "tenant": "acme" });
    let made = world.api("POST", "/v1/keys", Some(made)).await.json();
    let key = made["key"].as_str().expect("a key");
    let jo = Visitor::sign_in_with(&world, key).await;
    assert_eq!(jo.get("/ui/t/acme").await.status, 200);
    assert_eq!(jo.get("/ui/t/globex").await.status, 404);

    let path = format!("/v1/keys/{}", made["id"].as_str().expect("an id"));
    assert_eq!(world.api("DELETE", &path, None).await.status, 204);
    let after = jo.get("/ui/t/acme").await;
    assert_eq!(
        (after.status, after.header("location")),
        (303, Some("/ui/sign-in"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_the_session_everywhere() {
    let world = World::start().await;
    let visitor = Visitor::sign_in(&world).await;
    let out = visitor.post_from("/ui/", "/ui/sign-out", &[]).await;
    assert_eq!(out.status, 303, "{out:?}");
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(visitor.get("/ui/").await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_opens_nothing_and_many_have_to_wait() {
    let world = World::start().await;
    let first = sign_in(&world, "not-the-key").await;
    assert_eq!(first.status, 401, "{first:?}");
    assert!(!cookie(&first).contains("session"));
    let mut last = first;
    for _ in 0..25 {
        last = sign_in(&world, "not-the-key").await;
    }
    assert_eq!(last.status, 429, "{last:?}");
    assert!(last.text().contains("Too many wrong"));
    // The right key is let in all the same.
    Visitor::sign_in(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_stays_with_this_site_and_behind_tls() {
    let world = World::start().await;
    let page = Request::get(world.url("/ui/sign-in")).send().await;
    let set = page.header("set-cookie").unwrap();
    assert!(
        set.contains("HttpOnly; SameSite=Strict") && !set.contains("Secure"),
        "{set}"
    );
    let request = Request::get(world.url("/ui/sign-in")).header("x-forwarded-proto", "https");
    let page = request.send().await;
    assert!(page.header("set-cookie").unwrap().ends_with("; Secure"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_pages_nothing_is_served_under_ui() {
    let world = World::start_with("[pages]\nenabled = false\n").await;
    for path in ["/ui", "/ui/", "/ui/sign-in", "/ui/t/acme", "/ui/portal/x"] {
        let reply = Request::get(world.url(path)).send().await;
        assert_eq!(reply.status, 404, "{path}");
        assert_eq!(
            reply.header("content-type"),
            Some("application/problem+json")
        );
    }
}
