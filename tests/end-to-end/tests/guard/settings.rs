//! A misconfigured guard forwards nothing and logs the reason.

use test_support::{App, Request};

use crate::guarded::*;
use crate::signing::{KEY, plain};

async fn assert_response(app: App, status: u16, code: &str, logged: &str) {
    let app = start(&app).await;
    let reply = plain(Request::post(app.url("/hello")), "").send().await;
    assert_problem(&reply, status, code);
    let log = app.log("guard");
    assert!(log.contains(logged), "{log}");
}

#[tokio::test]
async fn an_unknown_component_is_unreachable() {
    if left_out_on_spin("a call of an unknown component traps the caller") {
        return;
    }
    assert_response(
        probe_as("nobody", ""),
        502,
        "app-unreachable",
        "no trigger of the app has this component",
    )
    .await;
}

#[tokio::test]
async fn a_component_that_the_guard_may_not_call_is_unreachable() {
    assert_response(
        probe_as("forbidden", ""),
        502,
        "app-unreachable",
        "`allowed_outbound_hosts` has no entry for it",
    )
    .await;
}

#[tokio::test]
async fn an_invalid_component_name_never_becomes_a_host() {
    for name in [
        "",
        "probe.spin.internal/hello?",
        "evil.example/",
        "probe:81",
        "user@probe",
    ] {
        assert_response(
            probe_as(name, ""),
            503,
            "unavailable",
            "variable `guarded_component` is",
        )
        .await;
    }
}

#[tokio::test]
async fn a_key_of_invalid_length_is_reported_without_the_key() {
    for key in ["short", &"k".repeat(257)] {
        let app = start(&with_variable(example(), "signing_key", key)).await;
        let reply = plain(Request::post(app.url("/")), "").send().await;
        assert_problem(&reply, 503, "unavailable");
        let log = app.log("guard");
        assert!(log.contains("`signing_key` has"), "{log}");
        assert!(!log.contains(key), "{log}");
        assert_eq!(reached(&app), Vec::<String>::new());
    }
}

#[tokio::test]
async fn line_breaks_at_the_end_of_a_key_are_dropped() {
    let from_file = format!("{KEY}\n");
    let app = start(&with_variable(example(), "signing_key", &from_file)).await;
    let reply = plain(Request::post(app.url("/")), "").send().await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let log = app.log("guard");
    assert!(
        log.contains("Loaded key data from the variable `signing_key`"),
        "{log}"
    );

    for (near_miss, found) in [
        (format!("'{KEY}'"), "quotation marks"),
        (format!("\u{feff}{KEY}"), "byte order mark"),
    ] {
        let app = start(&with_variable(example(), "signing_key", &near_miss)).await;
        let reply = plain(Request::post(app.url("/")), "").send().await;
        assert_problem(&reply, 503, "unavailable");
        let log = app.log("guard");
        assert!(
            log.contains("`signing_key`") && log.contains(found),
            "{log}"
        );
        assert!(!log.contains(KEY), "{log}");
    }
}
