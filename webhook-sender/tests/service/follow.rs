//! Following a tenant: `webhook-sender tail`, and changes that the sender makes itself.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use test_support::{Behaviour, Receiver, with_timeout};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::access_world::{audit, create_key};
use crate::api_world::{Api, TOKEN};
use crate::sender::{SECRET, SENDER};

/// `webhook-sender tail`.
struct Tail {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Tail {
    fn start(api: &Api, key: &str, more: &[&str]) -> Self {
        let mut command = Command::new(SENDER);
        command
            .args(["tail", "--tenant", "acme"])
            .args(more)
            .env("SENDER_URL", &api.sender.api)
            .env("SENDER_TOKEN", key)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().expect("the sender can be started");
        let output = child.stdout.take().expect("its output");
        let lines = BufReader::new(output).lines();
        Self { child, lines }
    }

    async fn line(&mut self) -> String {
        let line = with_timeout(self.lines.next_line(), || "a line of the command".into()).await;
        line.expect("its output").expect("the stream goes on")
    }

    /// Publishes events until the command, which prints nothing once it follows, prints the first line.
    async fn first_line(&mut self, api: &Api) -> String {
        let first = async {
            for number in 0.. {
                publish(api, &format!("before_{number}")).await;
                let soon = tokio::time::timeout(Duration::from_millis(100), self.lines.next_line());
                if let Ok(line) = soon.await {
                    return line.expect("its output").expect("the stream goes on");
                }
            }
            unreachable!("the numbers do not end")
        };
        with_timeout(first, || api.sender.log()).await
    }

    /// Waits for the end of the command. Returns its exit code and its error.
    async fn ended(mut self) -> (Option<i32>, String) {
        let ended = async {
            while let Ok(Some(_)) = self.lines.next_line().await {}
            let mut error = String::new();
            let mut output = self.child.stderr.take().expect("its errors");
            output.read_to_string(&mut error).await.expect("text");
            let status = self.child.wait().await.expect("it can be waited for");
            (status.code(), error)
        };
        with_timeout(ended, || "the end of the command".into()).await
    }
}

async fn publish(api: &Api, id: &str) {
    let event = json!({ "id": id, "type": "order.paid", "data": { "secret": "in the data" } });
    let path = "/v1/tenants/acme/events";
    assert_eq!(api.send("POST", path, Some(event)).await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn tail_prints_what_happens_until_its_key_is_revoked() {
    let api = Api::start().await;
    let receiver = Receiver::start().await;
    let (id, key) = create_key(&api, "reader", "viewer", Some("acme")).await;
    let mut json = Tail::start(&api, &key, &["--json"]);
    json.first_line(&api).await;
    let mut text = Tail::start(&api, &key, &[]);
    text.first_line(&api).await;

    let url = receiver.url("/hook");
    api.endpoint(json!({ "id": "orders", "url": url, "events": ["*"], "secret": SECRET }))
        .await;
    publish(&api, "evt_1").await;
    let mut seen = Vec::new();
    while seen
        .last()
        .is_none_or(|last: &Value| last["kind"] != "attempt")
    {
        let line = json.line().await;
        seen.push(serde_json::from_str(&line).expect("JSON"));
    }
    let of = |kind: &str| seen.iter().find(|it| it["kind"] == kind).expect(kind);
    let change = of("change");
    assert_eq!(
        (&change["action"], &change["target"]),
        (&json!("endpoint.create"), &json!("orders"))
    );
    let attempt = of("attempt");
    assert_eq!(attempt["event"], "evt_1");
    assert_eq!(
        (&attempt["endpoint"], &attempt["status"]),
        (&json!("orders"), &json!(200))
    );
    assert!(
        attempt["at"].is_string() && attempt["delivery"].is_string(),
        "{attempt}"
    );

    let attempt = loop {
        let line = text.line().await;
        if line.contains(" attempt ") {
            break line;
        }
    };
    for part in [
        "event=evt_1",
        "endpoint=orders",
        "attempt=1",
        "status=200",
        "state=succeeded",
    ] {
        assert!(attempt.contains(part), "{part} in {attempt}");
    }
    let path = format!("/v1/keys/{id}");
    assert_eq!(api.send("DELETE", &path, None).await.status, 204);
    for tail in [json, text] {
        let (code, error) = tail.ended().await;
        assert_eq!(code, Some(1), "{error}");
        assert!(error.contains("the key is not valid any more"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_the_sender_disables_is_in_the_stream_and_in_the_audit_list() {
    let api = Api::start().await;
    let receiver = Receiver::start().await;
    receiver.on("/gone", Behaviour::status(410));
    let mut tail = Tail::start(&api, TOKEN, &["--json"]);
    tail.first_line(&api).await;
    let url = receiver.url("/gone");
    api.endpoint(json!({ "id": "gone", "url": url, "events": ["*"], "secret": SECRET }))
        .await;
    publish(&api, "evt_1").await;
    loop {
        let happening: Value = serde_json::from_str(&tail.line().await).expect("JSON");
        if happening["action"] == "endpoint.disable" {
            assert_eq!(happening["target"], "gone");
            break;
        }
    }
    let entries = audit(&api, "?tenant=acme").await;
    let entry = &entries[0];
    assert_eq!(
        (&entry["action"], &entry["target"]),
        (&json!("endpoint.disable"), &json!("gone"))
    );
    assert_eq!(
        (&entry["key_name"], &entry["outcome"]),
        (&json!("sender"), &json!("done"))
    );
    assert_eq!(entry["address"], Value::Null);
    let reason = entry["changes"][0]["to"].as_str().expect("a reason");
    assert!(reason.contains("410"), "{entry}");
}
