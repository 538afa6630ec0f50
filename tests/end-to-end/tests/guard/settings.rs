//! A guard that is not set up as it has to be lets nothing through and says why in its log.

use test_support::{App, Request};

use crate::guarded::*;
use crate::signing::{KEY, plain};

async fn answered(app: App, status: u16, code: &str, told: &str) {
    let app = start(&app).await;
    let reply = plain(Request::post(app.url("/hello")), "").send().await;
    assert_problem(&reply, status, code);
    let log = app.log("guard");
    assert!(log.contains(told), "{log}");
}

#[tokio::test]
async fn a_component_that_the_app_does_not_have_cannot_be_reached() {
    answered(
        probe_as("nobody", ""),
        502,
        "app-unreachable",
        "no trigger of the app names it",
    )
    .await;
}

#[tokio::test]
async fn a_component_that_the_guard_may_not_call_cannot_be_reached() {
    answered(
        probe_as("forbidden", ""),
        502,
        "app-unreachable",
        "`allowed_outbound_hosts` has no entry for it",
    )
    .await;
}

#[tokio::test]
async fn what_is_no_components_name_never_becomes_a_host() {
    for name in [
        "",
        "probe.spin.internal/hello?",
        "evil.example/",
        "probe:81",
        "user@probe",
    ] {
        answered(
            probe_as(name, ""),
            503,
            "unavailable",
            "variable `guarded_component` is",
        )
        .await;
    }
}

#[tokio::test]
async fn a_key_of_no_keys_length_is_told_without_it() {
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
async fn a_key_that_was_read_from_a_file_is_the_text_on_its_line() {
    let from_file = format!("{KEY}\n");
    let app = start(&with_variable(example(), "signing_key", &from_file)).await;
    let reply = plain(Request::post(app.url("/")), "").send().await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let log = app.log("guard");
    assert!(
        log.contains("Loaded key data from the variable `signing_key`"),
        "{log}"
    );

    for (near, found) in [
        (format!("'{KEY}'"), "quotation marks"),
        (format!("\u{feff}{KEY}"), "byte order mark"),
    ] {
        let app = start(&with_variable(example(), "signing_key", &near)).await;
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
