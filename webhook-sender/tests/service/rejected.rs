//! Rejected events, and their correction.

use serde_json::{Value, json};
use test_support::{Behaviour, Request, with_timeout};

use crate::sender::{SECRET, Sender, Setting, Store};

/// Starts a sender with a rejected entry, and its receiver.
async fn with_rejected(fields: &[(&str, &[u8])]) -> (test_support::Receiver, Setting, Sender) {
    let receiver = test_support::Receiver::start().await;
    receiver.on("/orders", Behaviour::status(200));
    let setting = Setting::new(Store::SqliteWithStream).await;
    let config = format!(
        "[delivery]\nallow_http = true\nallow_networks = [\"127.0.0.0/8\"]\n\
         [[tenant]]\nid = \"acme\"\n[[tenant.endpoint]]\nid = \"orders\"\n\
         url = \"{}\"\nevents = [\"*\"]\nsecret = \"{SECRET}\"\n",
        receiver.url("/orders")
    );
    setting.configure("sender", &config);
    let sender = setting.start("sender");
    let client = redis::Client::open(setting.redis.as_ref().expect("a stream").url());
    let connection = client.expect("a url");
    let mut redis = connection
        .get_multiplexed_async_connection()
        .await
        .expect("redis-server responds");
    let mut command = redis::cmd("XADD");
    command.arg("events").arg("*");
    for (name, value) in fields {
        command.arg(name).arg(value);
    }
    let added: Result<String, _> = command.query_async(&mut redis).await;
    added.expect("redis-server takes it");
    (receiver, setting, sender)
}

async fn listed(sender: &Sender, path: &str) -> Value {
    let found = async {
        loop {
            let page = Request::get(format!("{}{path}", sender.api)).send().await;
            if let Some(item) = page.json()["items"].get(0) {
                return item.clone();
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    with_timeout(found, || sender.log()).await
}

async fn retry(sender: &Sender, id: &str, corrections: Option<Value>) -> (u16, Value) {
    let path = format!("{}/v1/dead-letters/{id}/retry", sender.api);
    let request = match corrections {
        Some(corrections) => Request::post(path).json(corrections.to_string()),
        None => Request::post(path),
    };
    let reply = request.send().await;
    (reply.status, reply.json())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_event_is_planned_as_it_came_once_it_is_corrected() {
    let data = format!("{{\"text\": \"{}\"}}", "ä".repeat(21_623));
    let fields: [(&str, &[u8]); 4] = [
        ("tenant", b"acme"),
        ("type", b"order..shipped"),
        ("timestamp", b"soon"),
        ("data", data.as_bytes()),
    ];
    let (receiver, _setting, sender) = with_rejected(&fields).await;
    let rejected = listed(&sender, "/v1/tenants/acme/dead-letters").await;
    let id = rejected["id"].as_str().expect("an id");
    assert!(id.starts_with("events_"), "{id}");

    for incomplete in [
        None,
        Some(json!({})),
        Some(json!({ "type": "order.shipped" })),
    ] {
        let (status, problem) = retry(&sender, id, incomplete).await;
        assert_eq!(
            (status, &problem["code"]),
            (422, &json!("invalid")),
            "{problem}"
        );
    }
    let (status, problem) = retry(&sender, id, Some(json!({ "kind": "order.shipped" }))).await;
    assert_eq!(
        (status, &problem["code"]),
        (400, &json!("bad-body")),
        "{problem}"
    );

    let corrections = json!({ "type": "order.shipped", "timestamp": 1_700_000_000 });
    let (status, planned) = retry(&sender, id, Some(corrections)).await;
    assert_eq!((status, &planned["id"]), (202, &json!(id)), "{planned}");
    assert_eq!(receiver.received(1).await[0].body, data.as_bytes());
    assert_eq!(retry(&sender, id, None).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_an_unknown_tenant_is_planned_for_another_by_a_command() {
    let fields: [(&str, &[u8]); 4] = [
        ("tenant", b"acne"),
        ("type", b"order.shipped"),
        ("data", b"{}"),
        ("id", b"evt_1"),
    ];
    let (receiver, _setting, sender) = with_rejected(&fields).await;
    let rejected = listed(&sender, "/v1/dead-letters").await;
    let id = rejected["id"].as_str().expect("an id");
    let command = [
        "dead-letters",
        "--retry",
        id,
        "--tenant",
        "acme",
        "--id",
        "evt_2",
    ];
    let output = sender.command(&command);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "event evt_2 is planned\n"
    );
    let sent = receiver.received(1).await;
    assert_eq!(sent[0].header("webhook-id"), Some("evt_2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_a_rejected_event_controls_the_terminal_and_nothing_of_it_is_lost() {
    let kind = "a\u{1b}[2J\r\nb\u{9b}";
    let fields: [(&str, &[u8]); 4] = [
        ("tenant", b"acme"),
        ("type", kind.as_bytes()),
        ("data", b"1"),
        ("raw", b"\xff\x1b"),
    ];
    let (_receiver, _setting, sender) = with_rejected(&fields).await;
    let rejected = listed(&sender, "/v1/tenants/acme/dead-letters").await;
    assert_eq!(rejected["fields"][1], json!(["type", kind]));
    assert_eq!(rejected["fields"][3], json!(["raw", { "base64": "/xs=" }]));

    for more in [&[][..], &["--json"]] {
        let output = sender.command(&[&["dead-letters", "--tenant", "acme"], more].concat());
        let shown = String::from_utf8(output.stdout).expect("text");
        let controls = |c: char| c.is_control() && c != '\n';
        assert!(!shown.contains(controls), "{shown:?}");
        assert!(shown.contains("\\u001b[2J"), "{shown}");
    }
}
