//! The keys of the guard.

use serde_json::json;
use test_support::{Request, Running};

use crate::guarded::*;
use crate::signing::{KEY, plain, tag};

/// The target of a valid handshake.
const HANDSHAKE: &str = "/webhook?handshake=true&token=s3cret";

async fn handshake(app: &Running, target: &str, key: &str) -> test_support::Reply {
    let body = json!({ "keyData": key }).to_string();
    Request::post(app.url(target)).json(body).send().await
}

async fn status_under(app: &Running, key: &str) -> u16 {
    let request = Request::post(app.url("/orders")).header("x-signature", tag(b"", key));
    request.send().await.status
}

#[tokio::test]
async fn a_handshake_stores_the_key_and_does_not_reach_the_app() {
    let app = start(&example()).await;
    let reply = handshake(&app, HANDSHAKE, KEY).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reached(&app), Vec::<String>::new());
    assert_eq!(status_under(&app, KEY).await, 200);
    assert_eq!(reached(&app), ["POST /orders, 0 bytes"]);

    let next = KEY.to_lowercase();
    let target = "/webhook?token=s3cret&handshake=true";
    assert_eq!(handshake(&app, target, &next).await.status, 200);
    assert_eq!(status_under(&app, &next).await, 200);
    assert_eq!(
        status_under(&app, KEY).await,
        200,
        "the old key is valid for a while"
    );
}

#[tokio::test]
async fn a_handshake_at_another_path_is_not_a_handshake() {
    let app = start(&example()).await;
    for target in [
        "/?handshake=true&token=s3cret",
        "/webhook/?handshake=true&token=s3cret",
        "/webhook?token=s3cret",
    ] {
        assert_problem(&handshake(&app, target, KEY).await, 400, "missing-header");
    }
    assert_eq!(status_under(&app, KEY).await, 400);
    assert_eq!(reached(&app), Vec::<String>::new());
}

#[tokio::test]
async fn a_handshake_needs_the_token() {
    let app = start(&example()).await;
    for target in [
        "/webhook?handshake=true",
        "/webhook?handshake=true&token=other",
    ] {
        let refused = handshake(&app, target, KEY).await;
        assert_problem(&refused, 403, "handshake-token-refused");
    }
    assert_eq!(status_under(&app, KEY).await, 400);
    assert_eq!(handshake(&app, HANDSHAKE, KEY).await.status, 200);
    assert_eq!(status_under(&app, KEY).await, 200);
}

#[tokio::test]
async fn without_a_handshake_token_the_guard_accepts_no_handshake() {
    let app = start(&with_variable(example(), "handshake_token", "")).await;
    for target in [
        "/webhook?handshake=true",
        "/webhook?handshake=true&token=",
        HANDSHAKE,
    ] {
        let refused = handshake(&app, target, KEY).await;
        assert_problem(&refused, 403, "handshake-token-unset");
    }
    let request = Request::post(app.url("/orders")).header("x-signature", tag(b"", KEY));
    assert_problem(&request.send().await, 400, "no-key");
    assert_eq!(reached(&app), Vec::<String>::new());
}

#[tokio::test]
async fn with_a_key_in_the_variables_no_handshake_is_accepted() {
    let app_with_key = app();
    let app = start(&app_with_key).await;
    let other = KEY.to_lowercase();
    let refused = handshake(&app, HANDSHAKE, &other).await;
    assert_problem(&refused, 400, "missing-header");
    // With a signature, it is a request like any other.
    let forwarded = plain(Request::post(app.url(HANDSHAKE)), "{}");
    let forwarded = ReceivedRequest::of(&forwarded.send().await);
    assert_eq!(forwarded.line, format!("POST {HANDSHAKE}"));
    assert_eq!(reached(&app), ["POST /webhook, 2 bytes"]);
    assert_eq!(status_under(&app, &other).await, 400);
    drop(app);

    // It has not stored a key either, which would be used once the variable is empty.
    let app = start(&with_variable(app_with_key, "signing_key", "")).await;
    assert_eq!(status_under(&app, &other).await, 400);
}

#[tokio::test]
async fn during_a_rotation_both_keys_are_accepted() {
    let next = KEY.to_lowercase();
    let app = with_variable(example(), "signing_key", &next);
    let app = start(&with_variable(app, "signing_key_previous", KEY)).await;
    assert_eq!(status_under(&app, &next).await, 200);
    assert_eq!(status_under(&app, KEY).await, 200);
    assert_eq!(status_under(&app, &KEY.to_uppercase()).await, 400);
}

#[tokio::test]
async fn no_log_and_no_response_contains_a_key() {
    let app = start(&example()).await;
    let reply = handshake(&app, HANDSHAKE, KEY).await;
    assert!(!reply.text().contains(KEY), "{reply:?}");
    assert_eq!(status_under(&app, KEY).await, 200);
    // A sender calls the URL that it registered, including the token.
    let delivery = plain(Request::post(app.url("/webhook?token=s3cret")), "{}");
    assert_eq!(delivery.send().await.status, 200);
    assert!(app.log("guard").contains("key "), "{}", app.log("guard"));
    for text in [
        app.log("guard"),
        app.error_log("guard"),
        app.log("app"),
        app.stdout(),
        app.stderr(),
    ] {
        assert!(!text.contains(KEY) && !text.contains(TOKEN), "{text}");
    }
}

#[tokio::test]
async fn each_registration_at_one_guard_has_its_own_key() {
    let app = start(&example()).await;
    let keys = [KEY.to_owned(), KEY.to_lowercase(), KEY.to_uppercase()];
    let queries = ["", "customer=7&", "customer=8&"];
    for (key, query) in keys.iter().zip(queries) {
        let target = format!("/webhook?{query}handshake=true&token=s3cret");
        assert_eq!(handshake(&app, &target, key).await.status, 200);
    }
    for (index, key) in keys.iter().enumerate() {
        for (other, query) in queries.into_iter().enumerate() {
            let request = Request::post(app.url(&format!("/webhook?{query}token=s3cret")));
            let request = request.header("x-signature", tag(b"", key));
            let expected = if index == other { 200 } else { 400 };
            assert_eq!(request.send().await.status, expected, "{index} at {other}");
        }
    }
}
