//! Dependencies with and without the configuration of their parent.

use test_support::{App, components};

use crate::probe::*;

/// Returns the probe with the clock that reads its time from the environment.
fn app(inherit: &str) -> App {
    let clock = components::clock();
    probe_with(&format!(
        "environment = {{ WALL_CLOCK_SECONDS = \"7\" }}\n\
         [component.probe.dependencies]\n\
         \"wasi:clocks/wall-clock\" = {{ path = {clock:?}, \
         export = \"wasi:clocks/wall-clock@0.2.0\"{inherit} }}"
    ))
}

#[tokio::test]
async fn a_dependency_can_inherit_capabilities_of_its_parent() {
    for inherit in ["true", "[\"environment\"]"] {
        let app = start(&app(&format!(", inherit_configuration = {inherit}"))).await;
        assert_eq!(get(&app, "/now").await.json()["seconds"], 7);
    }
}

#[tokio::test]
async fn a_dependency_is_denied_the_capabilities_that_it_does_not_inherit() {
    for inherit in [
        "",
        ", inherit_configuration = false",
        ", inherit_configuration = [\"variables\"]",
    ] {
        let app = start(&app(inherit)).await;
        // It sees an empty environment, and has the rest of WASI.
        assert_eq!(get(&app, "/now").await.status, 500);
        let log = app.error_log("probe");
        assert!(log.contains("`WALL_CLOCK_SECONDS`: environment"), "{log}");
        let environment = get(&app, "/env").await.json();
        assert_eq!(environment["WALL_CLOCK_SECONDS"], "7");
    }
}
