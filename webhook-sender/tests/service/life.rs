//! The life of a sender: its name, its stop, and a cluster as its store.

use std::time::Duration;

use test_support::redis::{Fsync, RedisServer};
use test_support::with_timeout;

use crate::fixtures::{config, until};
use crate::publisher::{Api, to_stream};
use crate::receiver::Receiver;
use crate::sender::{Setting, Store};

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_stops_completes_the_attempts_in_flight() {
    let receiver = Receiver::start(Duration::from_millis(200)).await;
    let setting = Setting::new(Store::Sqlite).await;
    setting.configure("sender", &config(receiver.address, "max_in_flight = 8\n"));
    let sender = setting.start("sender");
    Api::of(&sender).publish(0..40).await;
    receiver.counts.reach(8).await;
    assert!(sender.stop().success());
    let delivered = receiver.counts.different();
    assert!(delivered < 40, "it went on to the end");
    let _sender = setting.start("sender");
    receiver.counts.reach(40).await;
    assert_eq!(receiver.counts.duplicates(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_used_by_one_sender_at_a_time() {
    for store in [Store::Redis, Store::Postgres] {
        a_second_sender_of_a_name_waits(store).await;
    }
}

async fn a_second_sender_of_a_name_waits(store: Store) {
    let receiver = Receiver::start(Duration::ZERO).await;
    let setting = Setting::new(store).await;
    let file = setting.configure("sender", &config(receiver.address, ""));
    let _sender = setting.start("sender");
    let mut second = std::process::Command::new(env!("CARGO_BIN_EXE_webhook-sender"))
        .args(["run", "--config"])
        .arg(file)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it can be started");
    let stderr = second.stderr.take().expect("its log");
    let waits = tokio::task::spawn_blocking(move || {
        let lines = std::io::BufRead::lines(std::io::BufReader::new(stderr));
        lines
            .map_while(Result::ok)
            .any(|line| line.contains("waiting for the name"))
    });
    let waited = with_timeout(waits, || "the second sender to wait".into()).await;
    second.kill().expect("it runs");
    second.wait().expect("it ends");
    assert!(waited.expect("no panic"), "the second sender did not wait");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_serves_as_store_and_stream_and_the_stream_is_trimmed() {
    let bus = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = bus.local_addr().expect("an address").port().to_string();
    drop(bus);
    let arguments = ["--cluster-enabled", "yes", "--cluster-port", &port];
    let redis = RedisServer::start_with(Fsync::EverySecond, &arguments).await;
    let client = redis::Client::open(redis.url()).expect("a url");
    let mut connection = client
        .get_multiplexed_async_connection()
        .await
        .expect("it responds");
    let mut slots = redis::cmd("CLUSTER");
    slots.arg("ADDSLOTSRANGE").arg(0).arg(16383);
    slots.exec_async(&mut connection).await.expect("the slots");
    let whole = async {
        loop {
            let info: String = redis::cmd("CLUSTER")
                .arg("INFO")
                .query_async(&mut connection)
                .await
                .expect("it responds");
            if info.contains("cluster_state:ok") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    with_timeout(whole, || "the cluster".into()).await;

    let receiver = Receiver::start(Duration::ZERO).await;
    let setting = Setting::new(Store::Sqlite).await;
    let url = format!("redis+cluster://{}", redis.address());
    let text = format!(
        "name = \"sender\"\n[store]\nurl = \"{url}\"\n\
         [[source]]\nname = \"events\"\nurl = \"{url}\"\ntrim = true\n\
         [api]\nlisten = \"127.0.0.1:0\"\n{}",
        config(receiver.address, "")
    );
    std::fs::write(setting.folder().join("sender.toml"), text).expect("a file");
    let sender = setting.start("sender");
    until(format!("{}/readyz", sender.api), 200).await;
    to_stream(&redis, 0..500).await;
    Api::of(&sender).publish(500..510).await;
    receiver.counts.reach(510).await;
    // A whole node of the stream at a time, so that the newest entries stay.
    let trimmed = async {
        loop {
            let mut length = redis::cmd("XLEN");
            let length = length.arg("events").query_async(&mut connection);
            let length: usize = length.await.expect("it responds");
            if length <= 250 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    with_timeout(trimmed, || sender.log()).await;
}
