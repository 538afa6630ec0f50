//! A sender's life: ready or not, told to read its file again, told to stop.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::redis::{Fsync, RedisServer};
use test_support::{Behaviour, Request, with_timeout};

use crate::publisher::{Api, to_stream};
use crate::receiver::Receiver;
use crate::sender::{SECRET, Sender, Setting, Store};

fn config(address: std::net::SocketAddr, more: &str) -> String {
    format!(
        "[delivery]\nallow_http = true\nallow_networks = [\"127.0.0.0/8\"]\n\
         [[tenant]]\nid = \"acme\"\n[[tenant.endpoint]]\nid = \"orders\"\n\
         url = \"http://{address}/hook\"\nevents = [\"*\"]\nsecret = \"{SECRET}\"\n{more}"
    )
}

/// Repeats a request until the response has `status`.
async fn until(url: String, status: u16) {
    let responded = async {
        while Request::get(&url).send().await.status != status {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    with_timeout(responded, || format!("{url} to respond {status}")).await;
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
async fn asking_whether_it_is_ready_does_not_write_to_the_store_each_time() {
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
    with_timeout(refused, || sender.log()).await;
    api.publish(1..2).await;
    first.counts.reach(2).await;

    setting.configure("sender", &config(second.address, ""));
    sender.signal("HUP");
    let applied = async {
        while !sender.log().contains("configuration applied") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    with_timeout(applied, || sender.log()).await;
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
    let waited = with_timeout(waits, || "the second sender to wait".into()).await;
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
    let keys = [webhook_signature::Credential::parse(key).expect("a key")];
    let headers = requests[1].headers.iter();
    let headers = headers.map(|(name, value)| (name.as_str(), &value[..]));
    let request = webhook_signature::Request::new(headers, &requests[1].body);
    let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
    let now = webhook_signature::Freshness::at(now.expect("after 1970").as_secs());
    let verified =
        webhook_signature::verify(&keys, &request, now, webhook_signature::Scheme::Standard);
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

/// Returns a tenant with these endpoints: each has its id as path, and further declarations.
fn endpoints(receiver: &test_support::Receiver, all: &[(&str, &str)]) -> String {
    let endpoint = |(id, more): &(&str, &str)| {
        let url = receiver.url(&format!("/{id}"));
        format!("[[tenant.endpoint]]\nid = \"{id}\"\nurl = \"{url}\"\n{more}\n")
    };
    let endpoints: String = all.iter().map(endpoint).collect();
    format!("[[tenant]]\nid = \"acme\"\n{endpoints}")
}

const LOOPBACK: &str = "[delivery]\nallow_http = true\nallow_networks = [\"127.0.0.0/8\"]\n";

fn with_secret(events: &str) -> String {
    format!("events = [\"{events}\"]\nsecret = \"{SECRET}\"")
}

async fn publish(sender: &Sender, id: &str, kind: &str) {
    let event = json!({ "id": id, "type": kind, "data": { "n": 1 } });
    let reply = Request::post(format!("{}/v1/tenants/acme/events", sender.api))
        .json(event.to_string())
        .send()
        .await;
    assert_eq!(reply.status, 202, "{}", reply.text());
}

/// Returns the resource at `path` of the tenant.
async fn get(sender: &Sender, path: &str) -> Value {
    let url = format!("{}/v1/tenants/acme/{path}", sender.api);
    Request::get(url).send().await.json()
}

/// Repeats a request until the resource at `path` meets a condition.
async fn until_seen(sender: &Sender, path: &str, condition: impl Fn(&Value) -> bool) -> Value {
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
async fn ended(sender: &Sender, event: &str, state: &str) -> Value {
    let path = format!("deliveries?event={event}&state={state}");
    let page = until_seen(sender, &path, |page| page["items"].get(0).is_some()).await;
    page["items"][0].clone()
}

/// Reloads the file, and waits until the log contains `text` this many times.
async fn read_again(sender: &Sender, text: &str, times: usize) {
    sender.signal("HUP");
    let applied = async {
        while sender.log().matches(text).count() < times {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    with_timeout(applied, || sender.log()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_limits_and_endpoints_change_with_the_file() {
    let receiver = test_support::Receiver::start().await;
    receiver.on("/failing", Behaviour::status(500));
    let setting = Setting::new(Store::Sqlite).await;
    let (failing, slow, gone) = (
        with_secret("fail"),
        with_secret("slow"),
        with_secret("gone"),
    );
    let all = [("failing", &*failing), ("slow", &*slow), ("gone", &*gone)];
    let config = |limit: u32, schedule: &str, endpoints: &str| {
        format!(
            "{LOOPBACK}max_in_flight = {limit}\n[retry.default]\nschedule = {schedule}\n{endpoints}"
        )
    };
    setting.configure(
        "sender",
        &config(1, "[\"0s\"]", &endpoints(&receiver, &all)),
    );
    let sender = setting.start("sender");
    publish(&sender, "evt_1", "fail").await;
    let dead = ended(&sender, "evt_1", "dead").await;
    assert_eq!(dead["attempts"].as_array().map(Vec::len), Some(1), "{dead}");

    let rest = endpoints(&receiver, &all[..2]);
    setting.configure("sender", &config(4, "[\"0s\", \"0s\"]", &rest));
    read_again(&sender, "configuration applied", 1).await;
    publish(&sender, "evt_2", "fail").await;
    let dead = ended(&sender, "evt_2", "dead").await;
    assert_eq!(dead["attempts"].as_array().map(Vec::len), Some(2), "{dead}");
    assert_eq!(get(&sender, "endpoints/gone").await["code"], "not-found");
    // Under the limit of before the second would wait for the first, which waits for it.
    receiver.on(
        "/slow",
        Behaviour::status(200).after_arrivals(receiver.requests().len() + 2),
    );
    publish(&sender, "evt_3", "slow").await;
    publish(&sender, "evt_4", "slow").await;
    ended(&sender, "evt_3", "succeeded").await;
    ended(&sender, "evt_4", "succeeded").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_restart_is_not_half_applied() {
    let receiver = test_support::Receiver::start().await;
    let setting = Setting::new(Store::Sqlite).await;
    let declared = |url: &str, more: &str| {
        format!(
            "[[tenant]]\nid = \"acme\"\n[[tenant.endpoint]]\nid = \"orders\"\nurl = \"{url}\"\n{}\n{more}",
            with_secret("*")
        )
    };
    let public = declared("https://example.com/hook", "");
    setting.configure("sender", &public);
    let sender = setting.start("sender");

    // The file alone would do, and so would a restart.
    let local = declared(&receiver.url("/hook"), "");
    setting.configure("sender", &format!("{LOOPBACK}{local}"));
    read_again(&sender, "configuration not applied", 1).await;
    let long = declared("https://example.com/hook", "timeout = \"2m\"\n");
    setting.configure("sender", &format!("[delivery]\nlease = \"10m\"\n{long}"));
    read_again(&sender, "configuration not applied", 2).await;
    sender.logged("tenant.acme.endpoint.orders.timeout").await;
    let stored = get(&sender, "endpoints/orders").await;
    assert_eq!(
        (&stored["url"], &stored["timeout"]),
        (&json!("https://example.com/hook"), &Value::Null)
    );

    // Nothing in the file needs what changed: it is applied, and the log says what is not.
    setting.configure("sender", &format!("{LOOPBACK}{public}"));
    read_again(&sender, "configuration applied", 1).await;
    let named = "delivery.allow_http, delivery.allow_networks";
    sender.logged(named).await;
    let body = json!({ "url": receiver.url("/hook"), "events": ["*"] });
    let refused = Request::post(format!("{}/v1/tenants/acme/endpoints", sender.api))
        .json(body.to_string())
        .send()
        .await;
    assert_eq!(refused.status, 422, "{}", refused.text());
}

/// As of a sender that ran under a longer lease.
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_whose_timeout_outgrew_the_lease_is_served_all_the_same() {
    let receiver = test_support::Receiver::start().await;
    let setting = Setting::new(Store::Sqlite).await;
    setting.configure("sender", &format!("{LOOPBACK}lease = \"10m\"\n"));
    let sender = setting.start("sender");
    let tenant = format!("{}/v1/tenants/acme", sender.api);
    assert_eq!(Request::new("PUT", &tenant).send().await.status, 201);
    let body = json!({
        "id": "orders", "url": receiver.url("/hook"), "events": ["*"], "timeout": "5m",
    });
    let made = Request::post(format!("{tenant}/endpoints"))
        .json(body.to_string())
        .send()
        .await;
    assert_eq!(made.status, 201, "{}", made.text());
    assert!(sender.stop().success());
    setting.configure("sender", LOOPBACK);
    let sender = setting.start("sender");
    publish(&sender, "evt_1", "order.shipped").await;
    ended(&sender, "evt_1", "succeeded").await;
    sender.logged("timeout limited to half of the lease").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_gone_is_left_alone_and_whoever_asked_is_told() {
    let receiver = test_support::Receiver::start().await;
    receiver.on("/gone", Behaviour::status(410));
    let setting = Setting::new(Store::Sqlite).await;
    let (gone, told, all) = (
        with_secret("order.*"),
        with_secret("operational.*"),
        with_secret("*"),
    );
    let declared = [("gone", &*gone), ("told", &*told), ("all", &*all)];
    setting.configure(
        "sender",
        &format!("{LOOPBACK}{}", endpoints(&receiver, &declared)),
    );
    let sender = setting.start("sender");
    publish(&sender, "evt_1", "order.shipped").await;
    let disabled = |endpoint: &Value| endpoint["enabled"] == false;
    let endpoint = until_seen(&sender, "endpoints/gone", disabled).await;
    let reason = endpoint["disabled_reason"].as_str().unwrap_or_default();
    assert!(reason.contains("410"), "{endpoint}");

    until_seen(
        &sender,
        "deliveries?endpoint=told&state=succeeded",
        |page| page["items"][0]["type"] == "operational.endpoint.disabled",
    )
    .await;
    let told = receiver.requests_to("/told");
    assert_eq!(told.len(), 1);
    let said = told[0].json();
    assert_eq!(
        (&said["endpoint"], &said["reason"]),
        (&json!("gone"), &json!(reason))
    );
    // `*` takes what tenants publish, not what the sender does.
    ended(&sender, "evt_1", "succeeded").await;
    assert_eq!(receiver.requests_to("/all").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_fails_for_longer_than_the_file_allows_is_disabled() {
    let receiver = test_support::Receiver::start().await;
    receiver.on("/orders", Behaviour::status(500));
    let setting = Setting::new(Store::Sqlite).await;
    let declared = endpoints(&receiver, &[("orders", &with_secret("*"))]);
    let config =
        |more: &str| format!("{LOOPBACK}{more}[retry.default]\nschedule = [\"0s\"]\n{declared}");
    setting.configure("sender", &config(""));
    let sender = setting.start("sender");
    publish(&sender, "evt_1", "order.shipped").await;
    ended(&sender, "evt_1", "dead").await;
    assert!(sender.stop().success());
    // It has failed for an hour, which is not five days.
    let store = rusqlite::Connection::open(setting.folder().join("sender.db")).expect("the store");
    let hour_ago = std::time::SystemTime::now() - Duration::from_secs(3600);
    let hour_ago = hour_ago.duration_since(std::time::SystemTime::UNIX_EPOCH);
    let changed = store.execute(
        "UPDATE endpoints SET definition = json_set(definition, '$.failing_since', ?1)",
        [i64::try_from(hour_ago.expect("after 1970").as_millis()).expect("a moment")],
    );
    assert_eq!(changed.expect("it is changed"), 1);
    drop(store);
    setting.configure("sender", &config("disable_after = \"30m\"\n"));
    let sender = setting.start("sender");
    publish(&sender, "evt_2", "order.shipped").await;
    until_seen(&sender, "endpoints/orders", |endpoint| {
        endpoint["enabled"] == false
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_of_the_file_is_made_until_the_receiver_takes_its_key() {
    let receiver = test_support::Receiver::start().await;
    receiver.on("/orders", Behaviour::status(503));
    let setting = Setting::new(Store::Sqlite).await;
    let declared = [("orders", "events = [\"*\"]\nhandshake = \"key\"")];
    setting.configure(
        "sender",
        &format!("{LOOPBACK}{}", endpoints(&receiver, &declared)),
    );
    let sender = setting.start("sender");
    sender.logged("handshake failed").await;
    receiver.on("/orders", Behaviour::status(200));
    let made = |endpoint: &Value| endpoint["handshake"] == "key";
    until_seen(&sender, "endpoints/orders", made).await;
    let handshakes = receiver.requests();
    let is_handshake =
        |request: &&test_support::Recorded| request.query.as_deref() == Some("handshake=true");
    assert!(handshakes.iter().all(|request| is_handshake(&request)));
    assert!(handshakes.len() >= 2);
    let key = handshakes.last().expect("one").json()["keyData"].clone();
    let key = key.as_str().expect("a key").to_owned();
    publish(&sender, "evt_1", "order.shipped").await;
    ended(&sender, "evt_1", "succeeded").await;
    let requests = receiver.requests();
    let delivery = requests.last().expect("the delivery");
    let keys = [webhook_signature::Credential::parse(&key).expect("a key")];
    let headers = delivery
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), &value[..]));
    let request = webhook_signature::Request::new(headers, &delivery.body);
    let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
    let now = webhook_signature::Freshness::at(now.expect("after 1970").as_secs());
    webhook_signature::verify(&keys, &request, now, webhook_signature::Scheme::Standard)
        .expect("its own key");
    assert!(!sender.log().contains(&key));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_is_one_line_of_the_log_without_anything_secret() {
    let receiver = test_support::Receiver::start().await;
    receiver.on("/failing", Behaviour::status(500).body("s3cret-answer"));
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

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_store_and_stream_and_what_was_taken_leaves_it() {
    let bus = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = bus.local_addr().expect("an address").port().to_string();
    drop(bus);
    let arguments = ["--cluster-enabled", "yes", "--cluster-port", &port];
    let redis = RedisServer::start_with(Fsync::EverySecond, &arguments).await;
    let client = redis::Client::open(redis.url()).expect("a url");
    let mut connection = client
        .get_multiplexed_async_connection()
        .await
        .expect("it answers");
    let mut slots = redis::cmd("CLUSTER");
    slots.arg("ADDSLOTSRANGE").arg(0).arg(16383);
    slots.exec_async(&mut connection).await.expect("the slots");
    let whole = async {
        loop {
            let info: String = redis::cmd("CLUSTER")
                .arg("INFO")
                .query_async(&mut connection)
                .await
                .expect("it answers");
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
        "name = \"sender\"\n[store]\nurl = \"{url}\"\n[stream]\nurl = \"{url}\"\ntrim = true\n\
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
            let length: usize = length.await.expect("it answers");
            if length <= 250 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    with_timeout(trimmed, || sender.log()).await;
}
