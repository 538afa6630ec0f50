//! Readiness, metrics and the log.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::{Behaviour, Request, with_timeout};

use crate::fixtures::{LOOPBACK, config, endpoints, until, with_secret};
use crate::publisher::to_stream;
use crate::receiver::Receiver;
use crate::sender::{SECRET, Setting, Store};

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_is_not_ready_while_redis_is_down() {
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
async fn readiness_checks_share_one_write_to_the_store_per_second() {
    let setting = Setting::new(Store::Sqlite).await;
    setting.configure("sender", "");
    let sender = setting.start("sender");
    let began = std::time::Instant::now();
    for _ in 0..100 {
        let ready = Request::get(format!("{}/readyz", sender.api)).send().await;
        assert_eq!(ready.status, 200);
    }
    let seconds = began.elapsed().as_secs();
    assert!(sender.stop().success());
    let store = rusqlite::Connection::open(setting.folder().join("sender.db")).expect("the store");
    let pings = store.query_row("SELECT pings FROM counters", [], |row| row.get::<_, i64>(0));
    let pings = u64::try_from(pings.expect("the counter")).expect("a count");
    assert!(
        (1..=seconds + 1).contains(&pings),
        "{pings} writes in {seconds} seconds"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_count_events_and_attempts_and_are_documented() {
    let receiver = Receiver::start(Duration::ZERO).await;
    let setting = Setting::new(Store::Redis).await;
    setting.configure("sender", &config(receiver.address, ""));
    let sender = setting.start("sender");
    to_stream(setting.redis.as_ref().expect("a Redis"), 0..20).await;
    receiver.counts.reach(20).await;
    let wanted = [
        "webhook_sender_deliveries_total{outcome=\"succeeded\"} 20",
        "webhook_sender_attempts_total{phase=\"none\",status=\"2xx\"} 20",
        "webhook_sender_source_entries_taken_total{source=\"events\"} 20",
        "webhook_sender_source_lag{source=\"events\"} 0",
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
    with_timeout(counted, || "the metrics to say so".into()).await;
    let manual = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/OPERATIONS.md");
    let manual = std::fs::read_to_string(manual).expect("the manual");
    let text = metrics().await;
    let names = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let names: Vec<_> = names.filter_map(|line| line.split(' ').next()).collect();
    assert!(names.len() >= 15, "{text}");
    for name in names {
        let is_named = [format!("| `{name}` |"), format!("| `{name}_total` |")]
            .iter()
            .any(|row| manual.contains(row));
        assert!(is_named, "{name} is not in the manual");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_is_one_log_line_without_secrets() {
    let receiver = test_support::Receiver::start().await;
    receiver.on("/failing", Behaviour::status(500).body("s3cret-response"));
    let setting = Setting::new(Store::Sqlite).await;
    let orders = format!(
        "events = [\"order.*\"]\nsecret = \"{SECRET}\"\nheaders = {{ Authorization = \"Bearer s3cret-header\" }}"
    );
    let failing = with_secret("fail.*");
    let declared = endpoints(&receiver, &[("orders", &orders), ("failing", &failing)]);
    let declared = declared.replace("/orders\"", "/orders?token=s3cret-query\"");
    setting.configure(
        "sender",
        &format!("token = \"s3cret-token-of-the-sender\"\n{LOOPBACK}{declared}"),
    );
    let sender = setting.start("sender");
    for (id, kind) in [("evt_1", "order.shipped"), ("evt_2", "fail.now")] {
        let event = json!({ "id": id, "type": kind, "data": { "note": "s3cret-body" } });
        let reply = Request::post(format!("{}/v1/tenants/acme/events", sender.api))
            .header("authorization", "Bearer s3cret-token-of-the-sender")
            .json(event.to_string())
            .send()
            .await;
        assert_eq!(reply.status, 202, "{}", reply.text());
    }
    let lines = async {
        loop {
            let log = sender.log();
            let lines: Vec<Value> = log
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok())
                .filter(|line: &Value| line.get("attempt").is_some())
                .collect();
            if lines.len() >= 2 {
                return lines;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let lines = with_timeout(lines, || sender.log()).await;
    let of = |endpoint: &str| {
        let line = lines.iter().find(|line| line["endpoint"] == endpoint);
        line.expect("its line")
            .as_object()
            .expect("an object")
            .clone()
    };
    let always = [
        "attempt",
        "delivery",
        "duration_ms",
        "endpoint",
        "event",
        "level",
        "state",
        "status",
        "tenant",
        "timestamp",
    ];
    let (good, bad) = (of("orders"), of("failing"));
    let names = |line: &serde_json::Map<String, Value>| {
        let mut names: Vec<_> = line.keys().cloned().collect();
        names.sort();
        names
    };
    assert_eq!(names(&good), always);
    let (tenant, event) = (&good["tenant"], &good["event"]);
    assert_eq!((tenant, event), (&json!("acme"), &json!("evt_1")));
    assert_eq!(
        (&good["status"], &good["state"]),
        (&json!(200), &json!("succeeded"))
    );
    assert_eq!(
        (&bad["status"], &bad["state"]),
        (&json!(500), &json!("pending"))
    );
    assert_eq!(
        (&bad["phase"], &bad["attempt"]),
        (&json!("respond"), &json!(1))
    );
    assert!(bad.contains_key("error"), "{bad:?}");
    let log = sender.log();
    assert!(!log.contains("s3cret"), "{log}");
    assert!(
        !log.contains(SECRET) && !log.contains("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        "{log}"
    );
}
