//! A sender with pages, tenants, endpoints and a receiver.

use serde_json::{Value, json};
use test_support::{Behaviour, Receiver, Reply, Request, with_timeout};

use webhook_model::{Clock, FieldText, Rejected, Source, TenantId};
use webhook_store::sqlite::SqliteStore;
use webhook_store::{Queue, Tenants};

use crate::browser::Browser;
use crate::sender::{Sender, Setting, Store};

/// The administrator's key.
pub const KEY: &str = "a-key-that-nobody-guesses";

/// Text that ends a form's field, if it is not escaped.
const HOSTILE: &str = "\"></textarea><script>alert(1)</script>";

pub struct World {
    pub sender: Sender,
    pub receiver: Receiver,
    _setting: Setting,
}

impl World {
    pub async fn start() -> Self {
        Self::start_with("").await
    }

    /// Starts a sender with further configuration, and the tenants `acme` and `globex`.
    pub async fn start_with(more: &str) -> Self {
        Self::start_in(Setting::new(Store::Sqlite).await, more).await
    }

    /// Starts a sender whose store has a rejected event of `acme`, as a source leaves it, under the id
    /// `rejected-1`, one without an existing tenant under `rejected-2`, and one with markup under
    /// `rejected-3`.
    pub async fn start_with_rejected() -> Self {
        let setting = Setting::new(Store::Sqlite).await;
        let store = SqliteStore::open(&setting.folder().join("sender.db")).expect("a store");
        let acme = TenantId::parse("acme").expect("a valid id");
        store.put_tenant(&acme).await.expect("a new tenant");
        let rejected = rejected(acme);
        let text = |text: &str| FieldText::from(text.as_bytes().to_vec());
        let unassigned = Rejected {
            id: "rejected-2".into(),
            tenant: None,
            code: "unknown-tenant".into(),
            reason: "tenant `acne` does not exist".into(),
            fields: vec![
                (text("tenant"), text("acne")),
                (text("type"), text("order.paid")),
                (text("data"), text("{\"id\": 18}")),
            ],
            ..rejected.clone()
        };
        let hostile = Rejected {
            id: "rejected-3".into(),
            reason: HOSTILE.into(),
            fields: vec![(text("type"), text(HOSTILE)), (text("data"), text(HOSTILE))],
            ..rejected.clone()
        };
        let kept = store.reject(&[rejected, unassigned, hostile]).await;
        kept.expect("they are kept");
        drop(store);
        Self::start_in(setting, "").await
    }

    async fn start_in(setting: Setting, more: &str) -> Self {
        setting.configure(
            "sender",
            &format!(
                "token = \"{KEY}\"\n[delivery]\nallow_http = true\n\
                 allow_networks = [\"127.0.0.0/8\"]\n[retry.default]\nschedule = [\"0s\"]\n{more}"
            ),
        );
        let world = Self {
            sender: setting.start("sender"),
            receiver: Receiver::start().await,
            _setting: setting,
        };
        for tenant in ["acme", "globex"] {
            let path = format!("/v1/tenants/{tenant}");
            let put = world.api("PUT", &path, None).await;
            assert!(matches!(put.status, 200 | 201), "{put:?}");
        }
        world
            .receiver
            .on("/fails", Behaviour::status(500).body("oops"));
        world
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sender.api)
    }

    /// Sends a request to the API with the administrator's key.
    pub async fn api(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        let request = Request::new(method, self.url(path));
        let request = request.header("authorization", format!("Bearer {KEY}"));
        match body {
            Some(body) => request.json(body.to_string()).send().await,
            None => request.send().await,
        }
    }

    /// Adds an endpoint of `acme` whose receiver has this path.
    pub async fn endpoint(&self, id: &str, path: &str, more: Value) -> Value {
        let mut body = json!({ "id": id, "url": self.receiver.url(path), "events": ["*"] });
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        let path = "/v1/tenants/acme/endpoints";
        let reply = self.api("POST", path, Some(body)).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.json()
    }

    /// Publishes an event of `acme`.
    pub async fn publish(&self, id: &str, kind: &str, data: Value) {
        let body = json!({ "id": id, "type": kind, "data": data });
        let path = "/v1/tenants/acme/events";
        let reply = self.api("POST", path, Some(body)).await;
        assert_eq!(reply.status, 202, "{reply:?}");
    }

    /// Creates a dead delivery of event `evt_1` with type `order.paid`, whose receiver accepts a further
    /// attempt. Returns its id.
    pub async fn dead_delivery(&self) -> String {
        self.endpoint("orders", "/fails", json!({})).await;
        self.publish("evt_1", "order.paid", json!({ "id": 1 }))
            .await;
        let delivery = self.delivered("evt_1", "dead").await;
        self.receiver.on("/fails", Behaviour::status(200));
        delivery
    }

    /// Waits until the statistics of an endpoint have this count. They are written once a second.
    pub async fn counted(&self, endpoint: &str, counter: &str, count: u64) {
        let path = format!("/v1/tenants/acme/endpoints/{endpoint}/stats");
        let counted = async {
            while self.api("GET", &path, None).await.json()[counter] != count {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        with_timeout(counted, || format!("{path}\n{}", self.sender.log())).await;
    }

    /// Waits until the only delivery of an event is in this state, and returns its id.
    pub async fn delivered(&self, event: &str, state: &str) -> String {
        let path = format!("/v1/tenants/acme/deliveries?event={event}&state={state}");
        let found = async {
            loop {
                let page = self.api("GET", &path, None).await.json();
                if let Some(id) = page["items"][0]["id"].as_str() {
                    return id.to_owned();
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        with_timeout(found, || format!("{path}\n{}", self.sender.log())).await
    }

    /// Signs a browser in with the administrator's key.
    pub async fn sign_in(&self, browser: &Browser) {
        browser.open(&self.url("/ui/sign-in")).await;
        browser.fill("key", KEY).await;
        browser.click("Sign in").await;
        browser.until_text("Tenants").await;
    }
}

fn rejected(tenant: TenantId) -> Rejected {
    let text = |text: &str| FieldText::from(text.as_bytes().to_vec());
    Rejected {
        id: "rejected-1".into(),
        tenant: Some(tenant),
        source: Source::named("shop"),
        // An old one would be deleted after its retention.
        at: Clock::system().now(),
        code: "bad-type".into(),
        reason: "type `order shipped` is not visible ASCII".into(),
        fields: vec![
            (text("tenant"), text("acme")),
            (text("type"), text("order shipped")),
            (text("data"), text("{\"id\": 17}")),
            (text("note"), text("<script>alert(1)</script>\u{1b}[31m")),
        ],
    }
}
