//! A running producer.

use serde_json::{Value, json};
use test_support::{App, Reply, Request, Running, Runtime, components};

pub const COMPONENT: &str = "webhook-producer";

/// Returns the producer with its tables, allowed to call this machine.
pub fn app() -> App {
    without_tables().args([
        "--sqlite".to_owned(),
        format!("@{}", components::migrations().display()),
    ])
}

/// Returns the producer without its tables.
pub fn without_tables() -> App {
    App::from(components::producer()).args(["--variable", "allow_private_hosts=true"])
}

pub struct Producer(pub Running);

impl Producer {
    pub async fn start() -> Self {
        Self::of(&app()).await
    }

    /// Starts a producer with one more variable, in the form `name=value`.
    pub async fn with(variable: &str) -> Self {
        Self::of(&app().args(["--variable", variable])).await
    }

    pub async fn of(app: &App) -> Self {
        Self(app.start(&Runtime::spin_local()).await)
    }

    pub async fn try_register(&self, url: &str, event: &str) -> Reply {
        let body = json!({ "url": url, "event": event }).to_string();
        Request::post(self.0.url("/registrations"))
            .json(body)
            .send()
            .await
    }

    /// Registers a URL and returns the signing key.
    pub async fn register(&self, url: &str, event: &str) -> String {
        let reply = self.try_register(url, event).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        key_of(&reply)
    }

    /// Returns the list of registrations.
    pub async fn list(&self) -> Value {
        let reply = Request::get(self.0.url("/registrations")).send().await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    }

    /// Returns the URLs of the list.
    pub async fn urls(&self) -> Vec<String> {
        let list = self.list().await;
        let rows = list.as_array().expect("a list");
        rows.iter()
            .map(|row| row["url"].as_str().expect("a URL").to_owned())
            .collect()
    }

    /// Fires without a body and returns the rows.
    pub async fn fire(&self) -> Vec<Value> {
        rows(Request::post(self.0.url("/fire")).send().await)
    }

    /// Fires an event and returns the rows.
    pub async fn fire_event(&self, event: &str, data: &Value) -> Vec<Value> {
        let body = json!({ "event": event, "data": data }).to_string();
        rows(Request::post(self.0.url("/fire")).json(body).send().await)
    }
}

pub fn key_of(reply: &Reply) -> String {
    let key = reply.json()["signingKey"].as_str().map(str::to_owned);
    key.unwrap_or_else(|| panic!("no key in {reply:?}"))
}

fn rows(reply: Reply) -> Vec<Value> {
    assert_eq!(reply.status, 200, "{reply:?}");
    serde_json::from_slice(&reply.body).unwrap_or_else(|error| panic!("{error} in {reply:?}"))
}

/// Asserts that a response is the problem document with a code.
#[track_caller]
pub fn assert_problem(reply: &Reply, status: u16, code: &str) {
    assert_eq!(reply.status, status, "{reply:?}");
    assert_eq!(
        reply.header("content-type"),
        Some("application/problem+json"),
        "{reply:?}"
    );
    let problem = reply.json();
    assert_eq!(problem["code"], code, "{reply:?}");
    assert_eq!(problem["status"], status, "{reply:?}");
    assert_eq!(
        problem["type"],
        format!("urn:signed-webhooks:problem:{code}"),
        "{reply:?}"
    );
    assert!(
        problem["title"]
            .as_str()
            .is_some_and(|title| !title.is_empty()),
        "{reply:?}"
    );
}
