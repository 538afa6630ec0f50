//! The verification that the documents describe for receivers, by Python's standard library.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::publisher::Api;
use crate::sender::{SECRET, Setting, Store};

struct Python {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Python {
    fn start() -> Self {
        let script = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/service/seed_receiver.py"
        );
        let mut child = Command::new("python3")
            .args([script, SECRET])
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 has to be installed (Debian: apt-get install python3)");
        let stdout = child.stdout.take().expect("its output");
        Self {
            child,
            lines: BufReader::new(stdout).lines(),
        }
    }

    fn line(&mut self) -> String {
        let line = self.lines.next().expect("the receiver goes on");
        line.expect("its output can be read")
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pythons_standard_library_verifies_what_is_sent() {
    let mut python = Python::start();
    let port = python.line();
    let setting = Setting::new(Store::Sqlite).await;
    let config = format!(
        "[delivery]\nallow_http = true\nallow_networks = [\"127.0.0.0/8\"]\n\
         [[tenant]]\nid = \"acme\"\n[[tenant.endpoint]]\nid = \"orders\"\n\
         url = \"http://127.0.0.1:{port}/hook\"\nevents = [\"*\"]\nsecret = \"{SECRET}\"\n"
    );
    setting.configure("sender", &config);
    let sender = setting.start("sender");
    Api::of(&sender).publish(7..8).await;

    let seen: Value = serde_json::from_str(&python.line()).expect("JSON");
    assert_eq!(seen["signature"], true, "{seen}");
    assert_eq!(seen["fresh"], true, "{seen}");
    assert_eq!(seen["body"], r#"{"number": 7}"#);
    let headers = seen["headers"].as_object().expect("headers");
    let header = |name: &str| {
        let found = headers
            .iter()
            .find(|(given, _)| given.eq_ignore_ascii_case(name));
        found
            .and_then(|(_, value)| value.as_str())
            .unwrap_or_default()
    };
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("webhook-id"), "evt_7");
    assert!(
        header("user-agent").starts_with("webhook-sender/"),
        "{seen}"
    );
    assert_eq!(header("x-wss-timestamp").len(), 10, "{seen}");
    assert_eq!(header("x-wss-signature").len(), 64, "{seen}");
}
