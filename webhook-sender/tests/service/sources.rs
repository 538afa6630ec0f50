//! Several sources of one sender.

use std::net::SocketAddr;
use std::time::Duration;

use test_support::{Request, with_timeout};
use tokio::net::TcpSocket;

use crate::isolation::metric;
use crate::queue::{Events, Queue};
use crate::receiver::Receiver;
use crate::sender::{SECRET, Sender, Setting, Store};

/// Returns sources whose servers are out of reach: their names and their tables.
fn out_of_reach(address: SocketAddr) -> Vec<(&'static str, String)> {
    let source = |name, url: &str, more: &str| {
        let url = url.replace("HOST", &address.to_string());
        let table = format!("[[source]]\nname = \"{name}\"\nurl = \"{url}\"\n{more}");
        (name, table)
    };
    vec![
        source("no-redis", "redis://HOST", ""),
        source("no-rabbitmq", "amqp://guest:guest@HOST", ""),
        source("no-nats", "nats://HOST", "stream = \"events\"\n"),
        source("no-kafka", "kafka://HOST", ""),
        source("no-outbox", "postgres://me@HOST/shop", ""),
    ]
}

/// Waits until every one of these sources has failed.
async fn all_fail(sender: &Sender, names: &[&str]) {
    for name in names {
        let failures = format!("webhook_sender_source_failures_total{{source=\"{name}\"}} ");
        let failed = async {
            while metric(sender, &failures)
                .await
                .is_none_or(|count| count == "0")
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        with_timeout(failed, || format!("a failure of `{name}`")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_that_are_out_of_reach_are_reported_and_stop_no_other() {
    // Bound, and not listening: connections are refused.
    let closed = TcpSocket::new_v4().unwrap();
    closed.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let gone = out_of_reach(closed.local_addr().unwrap());
    let (receiver, queue) = (Receiver::start(Duration::ZERO).await, Queue::redis().await);
    let setting = Setting::without_stream(Store::Sqlite).await;
    let tables: String = gone.iter().map(|(_, table)| table.as_str()).collect();
    setting.configure(
        "sender",
        &format!(
            "{tables}{}[delivery]\nallow_http = true\nallow_networks = [\"127.0.0.0/8\"]\n\
             [[tenant]]\nid = \"acme\"\n[[tenant.endpoint]]\nid = \"orders\"\n\
             url = \"http://{}/hook\"\nevents = [\"*\"]\nsecret = \"{SECRET}\"\n",
            queue.source(),
            receiver.address
        ),
    );
    let sender = setting.start("sender");
    queue.publish(Events::of("acme", 0..50)).await;
    receiver.counts.reach(50).await;
    let names: Vec<_> = gone.iter().map(|(name, _)| *name).collect();
    all_fail(&sender, &names).await;
    queue.publish(Events::of("acme", 50..100)).await;
    receiver.counts.reach(100).await;
    let ready = Request::get(format!("{}/readyz", sender.api)).send().await;
    assert_eq!(ready.status, 503);
    for name in names {
        sender.logged(&format!("\"source\":\"{name}\"")).await;
    }
    assert!(sender.stop().success(), "it stops while they connect");
}
