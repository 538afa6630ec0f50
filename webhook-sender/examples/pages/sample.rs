//! The tenants, endpoints and events of the sample.

use serde_json::{Value, json};
use test_support::Receiver;

/// The administrator's key. Its sender listens on loopback only.
pub const KEY: &str = "sample-key-for-the-pages";

pub const TENANTS: [&str; 2] = ["acme", "globex"];

/// An endpoint of each tenant.
pub struct SampleEndpoint {
    pub id: &'static str,
    pub path: &'static str,
    pub events: &'static [&'static str],
    pub filter: Option<&'static str>,
    pub transform: Option<&'static str>,
    pub enabled: bool,
}

pub const ENDPOINTS: [SampleEndpoint; 4] = [
    SampleEndpoint {
        id: "orders",
        path: "/orders",
        events: &["order.*"],
        filter: None,
        transform: None,
        enabled: true,
    },
    SampleEndpoint {
        id: "accounting",
        path: "/fails",
        events: &["order.*", "invoice.*"],
        filter: Some("event.data.total > 20"),
        transform: Some("{'order_id': event.data.id, 'amount': event.data.total}"),
        enabled: true,
    },
    SampleEndpoint {
        id: "warehouse",
        path: "/hangs",
        events: &["order.shipped"],
        filter: None,
        transform: None,
        enabled: true,
    },
    SampleEndpoint {
        id: "archive",
        path: "/archive",
        events: &["invoice.*"],
        filter: None,
        transform: None,
        enabled: false,
    },
];

/// Returns the configuration of the sender. Receivers listen on loopback, without TLS.
pub fn configuration(receiver: &Receiver) -> String {
    let tenants = TENANTS.map(|tenant| {
        let url = receiver.url("/declared");
        format!(
            "[[tenant]]\nid = \"{tenant}\"\n[[tenant.endpoint]]\nid = \"declared\"\n\
             url = \"{url}\"\nevents = [\"refund.*\"]\n\
             secret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\n"
        )
    });
    format!(
        "name = \"sample\"\n[store]\nurl = \"sqlite://sender.db\"\n[api]\nlisten = \"127.0.0.1:0\"\n\
         token = \"{KEY}\"\n[delivery]\nallow_http = true\nallow_networks = [\"127.0.0.0/8\"]\n\
         timeout = \"5s\"\n{}",
        tenants.concat()
    )
}

const KINDS: [&str; 4] = [
    "order.created",
    "order.paid",
    "order.shipped",
    "invoice.sent",
];

/// Returns an event as the API takes it.
pub fn event(number: usize) -> Value {
    json!({ "type": kind(number), "data": data(number) })
}

pub fn kind(number: usize) -> &'static str {
    KINDS[number % KINDS.len()]
}

pub fn data(number: usize) -> Value {
    let customers = ["Ada", "Grace", "Edsger", "Barbara"];
    json!({
        "id": number,
        "customer": customers[number / 3 % customers.len()],
        "total": number * 7 % 100,
        "status": if number % 3 == 2 { "shipped" } else { "open" },
    })
}
