//! A closed or stalled terminal, which must not affect the app.

use std::process::Stdio;

use test_support::{App, Request, with_timeout};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use crate::probe::*;

/// An app with its output streams piped to the test.
struct Piped {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
    origin: String,
    _app: App,
}

/// Starts the probe and reads standard output up to the line with the address.
async fn piped() -> Piped {
    let app = probe();
    let mut child = Command::new(env!("CARGO_BIN_EXE_spin-local"))
        .args(["up", "--listen", "127.0.0.1:0", "-f"])
        .arg(test_support::components::root().join("tests/support/probe"))
        .arg("--state-dir")
        .arg(app.state_dir())
        .kill_on_drop(true)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it can be run");
    let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut line = String::new();
    while !line.starts_with("Serving ") {
        line.clear();
        let read = stdout.read_line(&mut line).await.expect("it writes");
        assert!(read > 0, "it serves");
    }
    let origin = line.trim().trim_start_matches("Serving ").to_owned();
    Piped {
        child,
        stdout: Some(stdout),
        origin,
        _app: app,
    }
}

impl Piped {
    async fn post(&self, path: &str, body: String) -> test_support::Reply {
        let request = Request::post(format!("{}{path}", self.origin)).body(body);
        request.send().await
    }

    async fn stop(mut self) -> Option<i32> {
        let id = self.child.id().expect("it runs").to_string();
        let sent = Command::new("sh")
            .args(["-c", "kill -s TERM \"$0\"", &id])
            .status();
        assert!(sent.await.expect("it is sent").success());
        let ended = with_timeout(self.child.wait(), || "its end".to_owned()).await;
        ended.expect("it can be waited for").code()
    }
}

#[tokio::test]
async fn closed_output_streams_do_not_affect_requests() {
    let mut app = piped().await;
    drop((app.child.stderr.take(), app.stdout.take()));
    let path = outbound("http://localhost:81/", "");
    let denied = app.post(&path, String::new()).await.json();
    assert_eq!(error_of(&denied), "http-request-denied");
    assert_eq!(app.post("/trap", String::new()).await.status, 500);
    let printed = app.post("/stderr", "a line\n".to_owned()).await.json();
    assert_eq!(printed, serde_json::json!({ "ok": null }));
    assert_eq!(app.stop().await, Some(0));
}

#[tokio::test]
async fn a_stalled_reader_does_not_block_requests() {
    let app = piped().await;
    // Several times the capacity of the pipe and of the queue before it.
    for _ in 0..50 {
        let printed = app.post("/stderr", "x".repeat(100_000)).await.json();
        assert_eq!(printed, serde_json::json!({ "ok": null }));
    }
    let hello = Request::get(format!("{}/hello", app.origin)).send().await;
    assert_eq!(hello.text(), "hello");
    assert_eq!(app.stop().await, Some(0));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn output_does_not_fail_if_the_log_cannot_be_written() {
    let app = probe();
    let logs = app.state_dir().join("logs");
    std::fs::create_dir_all(&logs).expect("the state folder can be made");
    let log = logs.join("probe_stdout.txt");
    std::os::unix::fs::symlink("/dev/full", log).expect("a link");
    let running = start(&app).await;
    let printed = post(&running, "/stdout", "a line\n").await;
    assert_eq!(printed, serde_json::json!({ "ok": null }));
    running.stderr_has("is incomplete: ").await;
    running.stderr_has("a line").await;
}
