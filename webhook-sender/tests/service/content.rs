//! A store and a stream that lose their content, and streams whose entries have the same ids.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use test_support::{Behaviour, Request};

use crate::fixtures::until;
use crate::publisher::to_stream;
use crate::receiver::Receiver;
use crate::sender::{SECRET, Sender, Setting, Store};

fn config(receiver: &Receiver) -> String {
    format!(
        "[delivery]\nallow_http = true\nallow_networks = [\"127.0.0.0/8\"]\n\
         [[tenant]]\nid = \"acme\"\n[[tenant.endpoint]]\nid = \"orders\"\n\
         url = \"http://{}/hook\"\nevents = [\"*\"]\nsecret = \"{SECRET}\"\n",
        receiver.address
    )
}

async fn connection(setting: &Setting) -> MultiplexedConnection {
    let redis = setting.redis.as_ref().expect("a Redis");
    let client = redis::Client::open(redis.url()).expect("a url");
    let connection = client.get_multiplexed_async_connection().await;
    connection.expect("redis-server responds")
}

async fn rejected(sender: &Sender, path: &str) -> usize {
    let page = Request::get(format!("{}{path}", sender.api)).send().await;
    page.json()["items"].as_array().map_or(0, Vec::len)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_file_declares_is_restored_before_an_event_is_judged() {
    let receiver = Receiver::start(Duration::ZERO).await;
    let mut setting = Setting::new(Store::Redis).await;
    setting.configure("sender", &config(&receiver));
    let sender = setting.start("sender");
    to_stream(setting.redis.as_ref().expect("a Redis"), 0..10).await;
    receiver.counts.reach(10).await;

    let mut redis = connection(&setting).await;
    let flushed: Result<String, _> = redis::cmd("FLUSHALL").query_async(&mut redis).await;
    flushed.expect("it can be flushed");
    to_stream(setting.redis.as_ref().expect("a Redis"), 10..30).await;
    receiver.counts.reach(30).await;

    // The state of a server without persistence after a restart.
    let server = setting.redis.as_mut().expect("a Redis");
    server.kill();
    // The folder depends on the version.
    let removed = std::fs::remove_dir_all(server.folder().join("appendonlydir"));
    removed
        .or_else(|_| std::fs::remove_file(server.folder().join("appendonly.aof")))
        .expect("its files");
    server.restart().await;
    to_stream(server, 30..50).await;
    receiver.counts.reach(50).await;

    assert_eq!(rejected(&sender, "/v1/dead-letters").await, 0);
    assert_eq!(rejected(&sender, "/v1/tenants/acme/dead-letters").await, 0);
    sender.logged("configuration restored").await;
    assert!(sender.stop().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_is_not_ready_before_what_the_file_declares_is_restored() {
    let receiver = test_support::Receiver::start().await;
    let setting = Setting::new(Store::Redis).await;
    let config = format!(
        "[delivery]\nallow_http = true\nallow_networks = [\"127.0.0.0/8\"]\ntimeout = \"3s\"\n\
         [[tenant]]\nid = \"acme\"\n[[tenant.endpoint]]\nid = \"orders\"\n\
         url = \"{}\"\nevents = [\"*\"]\nhandshake = \"key\"\n",
        receiver.url("/hook")
    );
    setting.configure("sender", &config);
    let sender = setting.start("sender");
    let ready = || format!("{}/readyz", sender.api);
    until(ready(), 200).await;

    // The key is lost, and the receiver delays the handshake of the next one.
    receiver.on("/hook", Behaviour::hang());
    let mut redis = connection(&setting).await;
    let flushed: Result<String, _> = redis::cmd("FLUSHALL").query_async(&mut redis).await;
    flushed.expect("it can be flushed");
    to_stream(setting.redis.as_ref().expect("a Redis"), 0..1).await;
    receiver.received(2).await;
    until(ready(), 503).await;
    assert_eq!(rejected(&sender, "/v1/dead-letters").await, 0);
    until(ready(), 200).await;
    assert_eq!(rejected(&sender, "/v1/dead-letters").await, 0);
    assert_eq!(rejected(&sender, "/v1/tenants/acme/dead-letters").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_streams_with_equal_entry_ids_in_one_store_lose_nothing() {
    let receiver = Receiver::start(Duration::ZERO).await;
    let setting = Setting::new(Store::Redis).await;
    let url = setting.redis.as_ref().expect("a Redis").url();
    let mut redis = connection(&setting).await;
    let mut senders = Vec::new();
    for stream in ["eu", "us"] {
        let config = format!(
            "name = \"{stream}\"\n[store]\nurl = \"{url}\"\n\
             [[source]]\nname = \"{stream}\"\nurl = \"{url}\"\nstream = \"{stream}\"\n\
             [api]\nlisten = \"127.0.0.1:0\"\n{}",
            config(&receiver)
        );
        std::fs::write(setting.folder().join(format!("{stream}.toml")), config).expect("a file");
        senders.push(setting.start(stream));
    }
    for number in 1..=300 {
        let mut both = redis::pipe();
        for stream in ["eu", "us"] {
            let fields = [("tenant", "acme"), ("type", "a.b"), ("data", "1")];
            let id = format!("1-{number}");
            both.cmd("XADD").arg(stream).arg(id).arg(&fields).ignore();
        }
        both.exec_async(&mut redis)
            .await
            .expect("redis-server takes them");
    }
    receiver.counts.reach(600).await;
}
