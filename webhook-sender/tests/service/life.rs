//! A sender's life: ready or not, told to read its file again, told to stop.

use std::time::Duration;

use serde_json::json;
use test_support::{Behaviour, Request, within_patience};

use crate::publisher::{Api, to_stream};
use crate::receiver::Receiver;
use crate::sender::{SECRET, Setting, Store};

fn config(address: std::net::SocketAddr, more: &str) -> String {
    format!(
        "[delivery]\nallow_http = true\nallow_networks = [\"127.0.0.0/8\"]\n\
         [[tenant]]\nid = \"acme\"\n[[tenant.endpoint]]\nid = \"orders\"\n\
         url = \"http://{address}/hook\"\nevents = [\"*\"]\nsecret = \"{SECRET}\"\n{more}"
    )
}

/// Asks until `path` is answered with `status`.
async fn until(url: String, status: u16) {
    let answered = async {
        while Request::get(&url).send().await.status != status {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    within_patience(answered, || format!("{url} to answer {status}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_is_not_ready_while_redis_is_away() {
    let receiver = Receiver::start(Duration::ZERO).await;
    let mut setting = Setting::new(Store::Redis).await;
    setting.configure("sender", &config(receiver.address, ""));
    let sender = setting.start("sender");
    let ready = || format!("{}/readyz", sender.api);
    until(ready(), 200).await;
    let redis = setting.redis.as_mut().expect("the Redis store has one");
    redis.kill();
    until(ready(), 503).await;
    assert_eq!(
        Request::get(format!("{}/healthz", sender.api))
            .send()
            .await
            .status,
        200
    );
    redis.restart().await;
    until(ready(), 200).await;
    to_stream(redis, 0..10).await;
    receiver.counts.reach(10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_is_read_again_when_it_is_asked_for() {
    let (first, second) = (
        Receiver::start(Duration::ZERO).await,
        Receiver::start(Duration::ZERO).await,
    );
    let setting = Setting::new(Store::Sqlite).await;
    setting.configure("sender", &config(first.address, ""));
    let sender = setting.start("sender");
    let api = Api::of(&sender);
    api.publish(0..1).await;
    first.counts.reach(1).await;

    setting.configure("sender", "this is no configuration");
    sender.signal("HUP");
    let refused = async {
        while !sender.log().contains("configuration not applied") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    within_patience(refused, || sender.log()).await;
    api.publish(1..2).await;
    first.counts.reach(2).await;

    setting.configure("sender", &config(second.address, ""));
    sender.signal("HUP");
    let applied = async {
        while !sender.log().contains("configuration applied") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    within_patience(applied, || sender.log()).await;
    api.publish(2..3).await;
    second.counts.reach(1).await;
    assert_eq!(first.counts.different(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_told_to_stop_ends_what_is_under_way() {
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
async fn a_name_is_one_senders_at_a_time() {
    let receiver = Receiver::start(Duration::ZERO).await;
    let setting = Setting::new(Store::Redis).await;
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
    let waited = within_patience(waits, || "the second sender to wait".into()).await;
    second.kill().expect("it runs");
    second.wait().expect("it ends");
    assert!(waited.expect("no panic"), "the second sender did not wait");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_count_what_happened() {
    let receiver = Receiver::start(Duration::ZERO).await;
    let setting = Setting::new(Store::Redis).await;
    setting.configure("sender", &config(receiver.address, ""));
    let sender = setting.start("sender");
    to_stream(setting.redis.as_ref().expect("a Redis"), 0..20).await;
    receiver.counts.reach(20).await;
    let wanted = [
        "webhook_sender_deliveries_total{outcome=\"succeeded\"} 20",
        "webhook_sender_attempts_total{phase=\"none\",status=\"2xx\"} 20",
        "webhook_sender_stream_entries_taken_total 20",
        "webhook_sender_stream_lag 0",
        "webhook_sender_pending_deliveries 0",
        "webhook_sender_in_flight_deliveries 0",
    ];
    let metrics = || async {
        Request::get(format!("{}/metrics", sender.api))
            .send()
            .await
            .text()
    };
    let counted = async {
        loop {
            let text = metrics().await;
            if wanted
                .iter()
                .all(|line| text.lines().any(|seen| seen == *line))
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    within_patience(counted, || "the metrics to say so".into()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_with_a_handshake_gives_its_receiver_the_key_it_signs_with() {
    let receiver = test_support::Receiver::start().await;
    let setting = Setting::new(Store::Sqlite).await;
    let allow = "[delivery]\nallow_http = true\nallow_networks = [\"127.0.0.0/8\"]\n";
    setting.configure("sender", allow);
    let sender = setting.start("sender");
    let base = format!("{}/v1/tenants/acme", sender.api);
    assert_eq!(Request::new("PUT", &base).send().await.status, 201);
    let body = json!({
        "url": receiver.url("/hook?a=b"), "events": ["*"], "handshake": "key",
    });
    let endpoints = format!("{base}/endpoints");
    let reply = Request::post(&endpoints)
        .json(body.to_string())
        .send()
        .await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let event = json!({ "id": "evt_1", "type": "order.shipped", "data": { "n": 1 } });
    Request::post(format!("{base}/events"))
        .json(event.to_string())
        .send()
        .await;

    let requests = receiver.received(2).await;
    assert_eq!(requests[0].query.as_deref(), Some("a=b&handshake=true"));
    let handshake: serde_json::Value = serde_json::from_slice(&requests[0].body).expect("JSON");
    let key = handshake["keyData"].as_str().expect("a key");
    assert_eq!(key.len(), 36);
    let keys = [signature::Credential::parse(key).expect("a key")];
    let headers = requests[1].headers.iter();
    let headers = headers.map(|(name, value)| (name.as_str(), &value[..]));
    let request = signature::Request::new(headers, &requests[1].body);
    let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
    let now = signature::Freshness::at(now.expect("after 1970").as_secs());
    let verified = signature::verify(&keys, &request, now, signature::Scheme::Standard);
    assert_eq!(verified.map(|verified| verified.id), Ok(Some("evt_1")));

    receiver.on("/refused", Behaviour::status(403));
    let body = json!({ "url": receiver.url("/refused"), "events": ["*"], "handshake": "key" });
    let reply = Request::post(&endpoints)
        .json(body.to_string())
        .send()
        .await;
    assert_eq!(
        (reply.status, reply.json()["code"].as_str()),
        (502, Some("handshake-failed"))
    );
}
