//! Fixtures of the tests of a running sender: configurations, requests and waits.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::{Request, with_timeout};

use crate::sender::{SECRET, Sender};

pub fn config(address: std::net::SocketAddr, more: &str) -> String {
    format!(
        "[delivery]\nallow_http = true\nallow_networks = [\"127.0.0.0/8\"]\n\
         [[tenant]]\nid = \"acme\"\n[[tenant.endpoint]]\nid = \"orders\"\n\
         url = \"http://{address}/hook\"\nevents = [\"*\"]\nsecret = \"{SECRET}\"\n{more}"
    )
}

/// Repeats a request until the response has `status`.
pub async fn until(url: String, status: u16) {
    let responded = async {
        while Request::get(&url).send().await.status != status {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    with_timeout(responded, || format!("{url} to respond {status}")).await;
}

/// Returns a tenant with these endpoints: each has its id as path, and further declarations.
pub fn endpoints(receiver: &test_support::Receiver, all: &[(&str, &str)]) -> String {
    let endpoint = |(id, more): &(&str, &str)| {
        let url = receiver.url(&format!("/{id}"));
        format!("[[tenant.endpoint]]\nid = \"{id}\"\nurl = \"{url}\"\n{more}\n")
    };
    let endpoints: String = all.iter().map(endpoint).collect();
    format!("[[tenant]]\nid = \"acme\"\n{endpoints}")
}

pub const LOOPBACK: &str = "[delivery]\nallow_http = true\nallow_networks = [\"127.0.0.0/8\"]\n";

pub fn with_secret(events: &str) -> String {
    format!("events = [\"{events}\"]\nsecret = \"{SECRET}\"")
}

pub async fn publish(sender: &Sender, id: &str, kind: &str) {
    let event = json!({ "id": id, "type": kind, "data": { "n": 1 } });
    let reply = Request::post(format!("{}/v1/tenants/acme/events", sender.api))
        .json(event.to_string())
        .send()
        .await;
    assert_eq!(reply.status, 202, "{}", reply.text());
}

/// Returns the resource at `path` of the tenant.
pub async fn get(sender: &Sender, path: &str) -> Value {
    let url = format!("{}/v1/tenants/acme/{path}", sender.api);
    Request::get(url).send().await.json()
}

/// Repeats a request until the resource at `path` meets a condition.
pub async fn until_seen(sender: &Sender, path: &str, condition: impl Fn(&Value) -> bool) -> Value {
    let seen = async {
        loop {
            let found = get(sender, path).await;
            if condition(&found) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    with_timeout(seen, || format!("{path}\n{}", sender.log())).await
}

/// Waits until the delivery of an event has this state, and returns it.
pub async fn ended(sender: &Sender, event: &str, state: &str) -> Value {
    let path = format!("deliveries?event={event}&state={state}");
    let page = until_seen(sender, &path, |page| page["items"].get(0).is_some()).await;
    page["items"][0].clone()
}

/// Reloads the file, and waits until the log contains `text` this many times.
pub async fn read_again(sender: &Sender, text: &str, times: usize) {
    sender.signal("HUP");
    let applied = async {
        while sender.log().matches(text).count() < times {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    with_timeout(applied, || sender.log()).await;
}
