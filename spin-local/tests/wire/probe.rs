//! The probe as an app, and what it answers.

use serde_json::{Value, json};
use test_support::{App, Reply, Request, Running, Runtime, components};

pub fn runtime() -> Runtime {
    Runtime::spin_local_at(env!("CARGO_BIN_EXE_spin-local"))
}

/// The probe with the grants of its own manifest.
pub fn probe() -> App {
    components::probe();
    App::from(components::root().join("tests/support/probe"))
}

/// The probe under `/...` with these lines in its table and nothing else.
pub fn probe_with(grants: &str) -> App {
    App::of_text(&manifest("/...", grants))
}

/// A manifest whose one component is the probe, under `route`.
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

/// The JSON of an answer that has to be a 200.
pub async fn post(app: &Running, path: &str, body: &str) -> Value {
    let reply = Request::post(app.url(path))
        .body(body.to_owned())
        .send()
        .await;
    assert_eq!(reply.status, 200, "{path}: {reply:?}");
    reply.json()
}

/// What a capability gave, or its error.
pub async fn ask(app: &Running, path: &str) -> Value {
    post(app, path, "").await
}

/// Runs an SQL statement without parameters.
pub async fn execute(app: &Running, statement: &str) -> Value {
    let body = json!({ "statement": statement }).to_string();
    post(app, "/sqlite/execute", &body).await
}

/// The path that has the probe call `url`, with further parameters of the query.
pub fn outbound(url: &str, parameters: &str) -> String {
    format!("/outbound?url={url}&{parameters}")
}

/// The name of an error, where nothing is known of its message.
pub fn error_of(answer: &Value) -> &str {
    answer["error"]
        .as_str()
        .unwrap_or_else(|| panic!("no error in {answer}"))
}
