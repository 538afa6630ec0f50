//! The command line, against a running sender.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use test_support::with_timeout;

use crate::receiver::Receiver;
use crate::sender::{SECRET, Sender, Setting, Store};

async fn start() -> (Setting, Sender) {
    let setting = Setting::new(Store::Sqlite).await;
    setting.configure(
        "sender",
        "[delivery]\nallow_http = true\nallow_networks = [\"127.0.0.0/8\"]\n\
         [retry.once]\nschedule = [\"0s\"]\n",
    );
    let sender = setting.start("sender");
    (setting, sender)
}

/// Runs a command, which must succeed, and returns the JSON lines that it prints.
#[track_caller]
fn json(sender: &Sender, arguments: &[&str]) -> Vec<Value> {
    let output = sender.command(&[arguments, &["--json"]].concat());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// Repeats the command until it lists a delivery.
async fn delivery(sender: &Sender, state: &str) -> Value {
    let found = async {
        loop {
            let listed = json(
                sender,
                &["deliveries", "--tenant", "acme", "--state", state],
            );
            if let Some(delivery) = listed.into_iter().next() {
                return delivery;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    with_timeout(found, || sender.log()).await
}

#[tokio::test]
async fn an_event_goes_all_the_way_by_commands() {
    let (setting, sender) = start().await;
    let receiver = Receiver::start(Duration::ZERO).await;
    let url = format!("http://{}/hook", receiver.address);
    let secret = format!("secret={SECRET}");
    json(&sender, &["tenants", "add", "acme"]);
    assert_eq!(json(&sender, &["tenants"]), [json!({ "id": "acme" })]);
    let add = [
        "endpoints",
        "--tenant",
        "acme",
        "add",
        &url,
        "--id",
        "orders",
        "--event",
        "order.*",
    ];
    let made = json(
        &sender,
        &[&add[..], &["--set", &secret, "--set", "rate_limit=1000"]].concat(),
    );
    assert_eq!(made[0]["rate_limit"], 1000);
    let publish = [
        "publish",
        "--tenant",
        "acme",
        "--type",
        "order.shipped",
        "--id",
        "evt_1",
    ];
    let published = json(
        &sender,
        &[&publish[..], &["--data", "{\"n\": 1.0}"]].concat(),
    );
    assert_eq!(published, [json!({ "id": "evt_1" })]);
    let done = delivery(&sender, "succeeded").await;
    assert_eq!(done["event"], "evt_1");

    let file = setting.folder().join("events.jsonl");
    let lines: String = (2..200)
        .map(|n| format!("{{\"type\": \"order.shipped\", \"id\": \"evt_{n}\", \"data\": {n}}}\n"))
        .collect();
    std::fs::write(&file, lines).expect("a file");
    let file = file.to_str().expect("a path");
    let published = json(&sender, &["publish", "--tenant", "acme", "--file", file]);
    assert_eq!(published, [json!({ "count": 198 })]);
    receiver.counts.reach(199).await;

    let replay = ["replay", "--tenant", "acme", "--event", "evt_1"];
    assert_eq!(json(&sender, &replay), [json!({ "count": 1 })]);
    let change = ["endpoints", "--tenant", "acme", "disable", "orders"];
    assert_eq!(json(&sender, &change)[0]["enabled"], false);
    json(
        &sender,
        &["endpoints", "--tenant", "acme", "remove", "orders"],
    );
    assert!(json(&sender, &["endpoints", "--tenant", "acme"]).is_empty());
}

#[tokio::test]
async fn what_was_given_up_is_listed_with_its_reason() {
    let (_setting, sender) = start().await;
    json(&sender, &["tenants", "add", "acme"]);
    let url = "http://127.0.0.1:1/hook";
    let add = [
        "endpoints",
        "--tenant",
        "acme",
        "add",
        url,
        "--event",
        "*",
        "--set",
        "retry=once",
    ];
    json(&sender, &add);
    let publish = [
        "publish",
        "--tenant",
        "acme",
        "--type",
        "order.shipped",
        "--data",
        "1",
    ];
    json(&sender, &publish);
    let dead = delivery(&sender, "dead").await;
    let listed = json(&sender, &["dead-letters", "--tenant", "acme"]);
    assert_eq!(listed[0]["id"], dead["id"]);
    assert_eq!(listed[0]["kind"], "delivery");
    let shown = sender.command(&[
        "deliveries",
        "--tenant",
        "acme",
        dead["id"].as_str().unwrap_or(""),
    ]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("connect"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_says_how_it_is_while_it_runs() {
    let mut setting = Setting::new(Store::Redis).await;
    setting.configure("sender", "");
    let sender = setting.start("sender");
    assert!(sender.command(&["health"]).status.success());
    assert!(sender.command(&["health", "--ready"]).status.success());
    setting.redis.as_mut().expect("it has one").kill();
    let unready = async {
        while sender.command(&["health", "--ready"]).status.success() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    with_timeout(unready, || sender.log()).await;
    assert!(sender.command(&["health"]).status.success());
}

#[tokio::test]
async fn a_refusal_is_told_in_one_line() {
    let (_setting, sender) = start().await;
    let output = sender.command(&["endpoints", "--tenant", "nobody"]);
    assert!(!output.status.success());
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(
        error.trim(),
        "error: Resource not found (404): tenant `nobody`"
    );
}

#[test]
fn what_sign_prints_verify_takes() {
    let run = |arguments: &[&str], input: &str| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_webhook-sender"))
            .args(arguments)
            .env("WEBHOOK_SECRET", SECRET)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it can be run");
        let mut stdin = child.stdin.take().expect("its input");
        std::io::Write::write_all(&mut stdin, input.as_bytes()).expect("it reads");
        drop(stdin);
        child.wait_with_output().expect("it ends")
    };
    let signed = run(&["sign"], "{}");
    let headers = String::from_utf8(signed.stdout).expect("text");
    let flags: Vec<_> = headers.lines().flat_map(|header| ["-H", header]).collect();
    let verified = run(&[&["verify"], &flags[..]].concat(), "{}");
    assert_eq!(
        String::from_utf8_lossy(&verified.stdout),
        "verified by standard\n"
    );
    let refused = run(&[&["verify"], &flags[..]].concat(), "{ }");
    assert!(!refused.status.success());
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(error.contains("no-match"), "{error}");
}

#[test]
fn check_tells_everything_that_is_wrong() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let file = folder.path().join("sender.toml");
    std::fs::write(&file, "nmae = \"x\"\n[delivery]\ntimeout = \"soon\"\n").expect("a file");
    let output = Command::new(env!("CARGO_BIN_EXE_webhook-sender"))
        .args(["check", "--config"])
        .arg(&file)
        .output()
        .expect("it can be run");
    assert!(!output.status.success());
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("did you mean `name`?"), "{error}");
    assert!(error.contains("`soon`"), "{error}");
}

#[test]
fn check_tells_programs_as_well() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let file = folder.path().join("sender.toml");
    let check = |text: &str| {
        std::fs::write(&file, text).expect("a file");
        let output = Command::new(env!("CARGO_BIN_EXE_webhook-sender"))
            .args(["check", "--json", "--config"])
            .arg(&file)
            .output()
            .expect("it can be run");
        let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        (output.status.success(), said)
    };
    let (good, said) = check("name = \"x\"\n");
    assert!(good, "{said}");
    assert_eq!(
        (&said["valid"], &said["file"]),
        (&json!(true), &json!(file))
    );
    assert!(
        said["summary"]
            .as_str()
            .is_some_and(|it| it.contains("sender `x`"))
    );

    let (good, said) = check("nmae = \"x\"\n[delivery]\ntimeout = \"soon\"\n");
    assert!(!good, "{said}");
    assert_eq!(said["valid"], false);
    let faults = said["faults"].as_array().expect("faults");
    let keys: Vec<_> = faults.iter().map(|it| (&it["key"], &it["line"])).collect();
    assert_eq!(
        keys,
        [
            (&json!("nmae"), &json!(1)),
            (&json!("delivery.timeout"), &json!(3))
        ]
    );
    assert!(
        faults[1]["message"]
            .as_str()
            .is_some_and(|it| it.contains("`soon`"))
    );
}

#[tokio::test]
async fn a_replay_by_a_filter_makes_due_what_it_selects_and_nothing_twice() {
    let (_setting, sender) = start().await;
    let receiver = test_support::Receiver::start().await;
    json(&sender, &["tenants", "add", "acme"]);
    for (id, event) in [("orders", "order.*"), ("others", "other.*")] {
        let url = receiver.url(&format!("/{id}"));
        let base = ["endpoints", "--tenant", "acme", "add", &url];
        json(
            &sender,
            &[&base[..], &["--id", id, "--event", event]].concat(),
        );
    }
    let publish = |kind: &'static str, id: String| {
        let base = ["publish", "--tenant", "acme", "--data", "1"];
        json(
            &sender,
            &[&base[..], &["--type", kind, "--id", &id]].concat(),
        );
    };
    for number in 0..5 {
        publish("order.shipped", format!("evt_{number}"));
    }
    publish("other.thing", "evt_other".into());
    receiver.received(6).await;
    let path = ["deliveries", "--tenant", "acme", "--state", "succeeded"];
    let all = async {
        while json(&sender, &path).len() < 6 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    with_timeout(all, || sender.log()).await;
    let replay = ["replay", "--tenant", "acme", "--endpoint", "orders"];
    assert_eq!(json(&sender, &replay), [json!({ "count": 5 })]);
    receiver.received(11).await;
    let none = [&replay[..], &["--state", "dead"]].concat();
    assert_eq!(json(&sender, &none), [json!({ "count": 0 })]);
    assert_eq!(receiver.requests_to("/orders").len(), 10);
    assert_eq!(receiver.requests_to("/others").len(), 1);
}
