//! Reloading the configuration of a running sender.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::{Behaviour, Request, with_timeout};

use crate::fixtures::{LOOPBACK, config, ended, endpoints, get, publish, read_again, with_secret};
use crate::publisher::Api;
use crate::receiver::Receiver;
use crate::sender::{Setting, Store};

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_signal_reloads_the_file_and_a_broken_file_changes_nothing() {
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

    let log = sender.log();
    let declared = "tenants: 1 created; endpoints: 1 created, 0 changed, 0 removed, 0 waiting";
    assert!(log.contains(declared), "in words: {log}");

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
    // With the earlier limit, the second would wait for the first, which waits for the second.
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
async fn changes_that_need_a_restart_are_not_applied_in_part() {
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

    // A change of the file alone would be valid, and so would a restart.
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

    // The file does not depend on the changed setting: it is applied, and the log names the setting that is
    // not.
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

/// The row of a sender that ran with a longer lease.
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_whose_timeout_exceeds_the_lease_is_still_delivered_to() {
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
