//! A sender with an API to call.

use serde_json::Value;
use test_support::{Reply, Request, with_timeout};

use crate::sender::{Sender, Setting, Store};

pub const TOKEN: &str = "a-token-that-nobody-guesses";

/// A sender whose API requires [`TOKEN`], with tenant `acme`.
pub struct Api {
    pub sender: Sender,
    pub setting: Setting,
}

impl Api {
    pub async fn start() -> Self {
        Self::start_with("").await
    }

    pub async fn start_with(more: &str) -> Self {
        Self::start_on(Store::Sqlite, more).await
    }

    pub async fn start_on(store: Store, more: &str) -> Self {
        let setting = Setting::new(store).await;
        setting.configure(
            "sender",
            &format!(
                "token = \"{TOKEN}\"\n[delivery]\nallow_http = true\n\
                 allow_networks = [\"127.0.0.0/8\"]\n[retry.once]\nschedule = [\"0s\"]\n{more}"
            ),
        );
        let sender = setting.start("sender");
        let api = Self { sender, setting };
        assert_eq!(api.send("PUT", "/v1/tenants/acme", None).await.status, 201);
        api
    }

    pub fn request(&self, method: &str, path: &str) -> Request {
        Request::new(method, format!("{}{path}", self.sender.api))
            .header("authorization", format!("Bearer {TOKEN}"))
    }

    pub async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        let request = self.request(method, path);
        match body {
            Some(body) => request.json(body.to_string()).send().await,
            None => request.send().await,
        }
    }

    pub async fn endpoint(&self, body: Value) -> Value {
        let reply = self
            .send("POST", "/v1/tenants/acme/endpoints", Some(body))
            .await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        reply.json()
    }

    /// Waits until a delivery of `event` is in `state`, and returns it.
    pub async fn delivery(&self, event: &str, state: &str) -> Value {
        let path = format!("/v1/tenants/acme/deliveries?event={event}&state={state}");
        let found = async {
            loop {
                let page = self.send("GET", &path, None).await.json();
                if let Some(delivery) = page["items"].get(0) {
                    return delivery.clone();
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        with_timeout(found, || format!("{path}\n{}", self.sender.log())).await
    }
}
