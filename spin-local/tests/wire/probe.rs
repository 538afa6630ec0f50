//! The probe as an app, with helpers for its requests.

use serde_json::{Value, json};
use test_support::{App, Reply, Request, Running, Runtime, components};

/// Returns the `spin-local` of this build, or the program in the environment variable `SPIN_LOCAL`, which may
/// be Spin.
pub fn runtime() -> Runtime {
    let given = std::env::var_os("SPIN_LOCAL");
    Runtime::spin_local_at(given.unwrap_or_else(|| env!("CARGO_BIN_EXE_spin-local").into()))
}

/// Returns the probe with its own manifest.
pub fn probe() -> App {
    components::probe();
    App::from(components::root().join("tests/support/probe"))
}

/// Returns the probe under `/...`, with only these lines in its table.
pub fn probe_with(grants: &str) -> App {
    App::of_text(&manifest("/...", grants))
}

/// Returns a manifest with the probe as its only component, under `route`.
pub fn manifest(route: &str, grants: &str) -> String {
    let wasm = components::probe();
    format!(
        "spin_manifest_version = 2\n\
         [application]\n\
         name = \"probed\"\n\
         [[trigger.http]]\n\
         route = {route:?}\n\
         component = \"probe\"\n\
         [component.probe]\n\
         source = {wasm:?}\n\
         {grants}\n"
    )
}

pub async fn start(app: &App) -> Running {
    app.start(&runtime()).await
}

pub async fn get(app: &Running, path: &str) -> Reply {
    Request::get(app.url(path)).send().await
}

/// Sends a POST and returns the JSON of the response, which must have the status 200.
pub async fn post(app: &Running, path: &str, body: &str) -> Value {
    let reply = Request::post(app.url(path))
        .body(body.to_owned())
        .send()
        .await;
    assert_eq!(reply.status, 200, "{path}: {reply:?}");
    reply.json()
}

/// Returns the result of a capability, or its error.
pub async fn get_json(app: &Running, path: &str) -> Value {
    post(app, path, "").await
}

/// Runs an SQL statement without parameters.
pub async fn execute(app: &Running, statement: &str) -> Value {
    let body = json!({ "statement": statement }).to_string();
    post(app, "/sqlite/execute", &body).await
}

/// Returns the path with which the probe calls `url`, with further parameters of the query.
pub fn outbound(url: &str, parameters: &str) -> String {
    format!("/outbound?url={url}&{parameters}")
}

/// Returns the name of an error.
pub fn error_of(reply: &Value) -> &str {
    reply["error"]
        .as_str()
        .unwrap_or_else(|| panic!("no error in {reply}"))
}
