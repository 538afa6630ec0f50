//! Options of the command line.

use std::process::Stdio;

use serde_json::json;
use test_support::{App, Receiver, with_timeout};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::probe::*;

#[tokio::test]
async fn a_statement_runs_on_the_default_database_before_the_start() {
    let app = probe().args([
        "--sqlite",
        "CREATE TABLE IF NOT EXISTS t (n);",
        "--sqlite",
        "INSERT INTO t VALUES (1)",
    ]);
    for runs in 1..=2 {
        let running = start(&app).await;
        let rows = &execute(&running, "SELECT count(*) FROM t").await["ok"]["rows"];
        assert_eq!(rows, &json!([[{ "integer": runs }]]));
        running.stop().await;
    }
}

#[tokio::test]
async fn a_file_of_statements_runs_on_the_database_of_its_label() {
    let app = probe();
    let file = app.file(
        "make.sql",
        "CREATE TABLE made (n);\n-- twice\nINSERT INTO made VALUES (1);\n",
    );
    for argument in [
        format!("@{}", file.display()),
        format!("@{}:default", file.display()),
    ] {
        let app = probe().args(["--sqlite", &argument]);
        let running = start(&app).await;
        let rows = &execute(&running, "SELECT n FROM made").await["ok"]["rows"];
        assert_eq!(rows, &json!([[{ "integer": 1 }]]), "{argument}");
    }
}

#[tokio::test]
async fn a_failing_statement_prevents_the_start() {
    let app = probe();
    let file = app.file("make.sql", "CREATE TABLE made (n);");
    let unknown = format!("@{}:archive", file.display());
    let missing = format!("@{}.missing", file.display());
    for (argument, expected) in [
        (unknown.as_str(), "`archive`"),
        (missing.as_str(), "make.sql.missing"),
        ("@", "@FILE"),
        ("CREATE TABL t (n)", "syntax error"),
        (
            "CREATE TABLE t (n); INSERT INTO t VALUES (1)",
            "more than one statement",
        ),
    ] {
        let ended = probe()
            .args(["--sqlite", argument])
            .fail_to_start(&runtime())
            .await;
        assert_eq!(ended.status.code(), Some(1), "{}", ended.transcript());
        assert!(
            ended.stderr.contains(expected),
            "{expected}: {}",
            ended.transcript()
        );
        assert!(ended.stderr.contains("--sqlite"), "{}", ended.transcript());
    }
}

#[tokio::test]
async fn key_values_are_set_before_the_first_request() {
    let app = probe().args([
        "--key-value",
        "a=1",
        "--key-value",
        "b=x=y",
        "--key-value",
        "c=",
    ]);
    let app = start(&app).await;
    for (key, value) in [("a", "1"), ("b", "x=y"), ("c", "")] {
        let reply = get_json(&app, &format!("/kv/get?key={key}")).await;
        assert_eq!(reply, json!({ "ok": value }), "{key}");
    }
}

#[tokio::test]
async fn a_value_for_a_store_of_no_component_prevents_the_start() {
    let app = probe_with("").args(["--key-value", "a=1"]);
    let ended = app.fail_to_start(&runtime()).await;
    assert_eq!(ended.status.code(), Some(1), "{}", ended.transcript());
    assert!(
        ended.stderr.contains("--key-value"),
        "{}",
        ended.transcript()
    );
}

#[tokio::test]
async fn variables_can_come_from_files_and_the_environment() {
    let app = probe();
    let file = app.file("who.txt", "the file");
    let app = app.args(["--variable".to_owned(), format!("who=@{}", file.display())]);
    let app = start(&app.environment("SPIN_VARIABLE_TOKEN", "from outside")).await;
    assert_eq!(
        get_json(&app, "/variable?name=who").await,
        json!({ "ok": "the file" })
    );
    assert_eq!(
        get_json(&app, "/variable?name=token").await,
        json!({ "ok": "from outside" })
    );
}

#[tokio::test]
async fn a_required_variable_without_a_value_prevents_the_start() {
    let app = probe_with("[variables]\nmood = { required = true }");
    let ended = app.fail_to_start(&runtime()).await;
    assert_eq!(ended.status.code(), Some(1), "{}", ended.transcript());
    assert!(ended.stderr.contains("`mood`"), "{}", ended.transcript());
}

#[tokio::test]
async fn invalid_options_are_rejected_by_their_names() {
    for arguments in [
        ["--max-instances", "0"],
        ["--max-memory", "lots"],
        ["--max-execution", "0"],
        ["--max-connections", "0"],
        ["--client-timeout", "0"],
        ["--env", "=value"],
        ["--key-value", "novalue"],
        ["--no-such-option", "1"],
    ] {
        let ended = probe().args(arguments).fail_to_start(&runtime()).await;
        assert_eq!(ended.status.code(), Some(2), "{}", ended.transcript());
        assert!(
            ended.stderr.contains(arguments[0]),
            "{}",
            ended.transcript()
        );
    }
}

#[tokio::test]
async fn the_name_of_the_listen_address_is_resolved() {
    let app = probe().start_on(&runtime(), "localhost:0").await;
    assert_eq!(app.address().ip(), std::net::Ipv4Addr::LOCALHOST);
    assert_eq!(get(&app, "/hello").await.text(), "hello");
    for (address, expected) in [
        ("localhost", "HOST:PORT"),
        ("nobody.invalid:80", "the name has no address"),
    ] {
        let ended = probe().fail_to_start_on(&runtime(), address).await;
        assert_eq!(ended.status.code(), Some(2), "{}", ended.transcript());
        for expected in ["--listen", expected] {
            assert!(ended.stderr.contains(expected), "{}", ended.transcript());
        }
    }
}

#[tokio::test]
async fn the_listen_address_can_come_from_the_environment() {
    let app = probe();
    let mut child = Command::new(env!("CARGO_BIN_EXE_spin-local"))
        .args(["up", "-f"])
        .arg(test_support::components::root().join("tests/support/probe"))
        .arg("--state-dir")
        .arg(app.state_dir())
        .env("SPIN_HTTP_LISTEN_ADDR", "localhost:0")
        .kill_on_drop(true)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it can be run");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let serving = async {
        while let Some(line) = lines.next_line().await.expect("text") {
            if line.starts_with("Serving ") {
                return line;
            }
        }
        panic!("it does not serve")
    };
    let serving = with_timeout(serving, || "the address".into()).await;
    assert!(
        serving.starts_with("Serving http://127.0.0.1:"),
        "{serving}"
    );
}

#[tokio::test]
async fn find_free_port_selects_a_port_that_is_not_in_use() {
    let taken = Receiver::start().await;
    let address = taken.address();
    let app = probe().args(["--find-free-port"]);
    let app = app.start_on(&runtime(), &address.to_string()).await;
    let port = app.address().port();
    assert!(
        (address.port() + 1..address.port() + 10).contains(&port),
        "{port}"
    );
    assert_eq!(get(&app, "/hello").await.text(), "hello");
}

#[tokio::test]
async fn logs_go_to_the_log_folder() {
    for option in ["--log-dir", "-L"] {
        let app = probe();
        let folder = app.state_dir().with_file_name("elsewhere");
        let app = app.args([option.into(), folder.clone().into_os_string()]);
        let running = start(&app).await;
        post(&running, "/stdout", "printed").await;
        let log = std::fs::read_to_string(folder.join("probe_stdout.txt"));
        assert_eq!(log.ok().as_deref(), Some("printed"));
        assert!(!app.state_dir().join("logs").exists());
    }
}

#[tokio::test]
async fn an_empty_log_folder_disables_log_files() {
    let app = probe().args(["--log-dir", ""]);
    let running = start(&app).await;
    post(&running, "/stdout", "printed").await;
    running.stderr_has("printed").await;
    assert!(!app.state_dir().join("logs").exists());
}

/// Returns the probe with a source that its build command must create.
fn unbuilt(command: &str) -> App {
    let wasm = test_support::components::probe().display().to_string();
    let build = format!("[component.probe.build]\ncommand = {command:?}\nworkdir = \"src\"\n");
    let manifest = manifest("/...", "").replace(&wasm, "built.wasm");
    let app = App::of_text(&format!("{manifest}{build}"));
    std::fs::create_dir(app.state_dir().with_file_name("src")).expect("a folder");
    app
}

#[tokio::test]
async fn build_commands_run_before_the_start_with_build() {
    let wasm = test_support::components::probe().display().to_string();
    let app = unbuilt(&format!("cp {wasm} ../built.wasm"));
    let ended = app.fail_to_start(&runtime()).await;
    for expected in ["built.wasm", "`cp ", "`--build`"] {
        assert!(ended.stderr.contains(expected), "{}", ended.transcript());
    }
    let app = start(&app.args(["--build"])).await;
    assert_eq!(get(&app, "/hello").await.text(), "hello");
    app.stderr_has("Building component probe with `cp ").await;
}

#[tokio::test]
async fn a_failed_build_prevents_the_start() {
    let ended = unbuilt("exit 3")
        .args(["--build"])
        .fail_to_start(&runtime())
        .await;
    assert_eq!(ended.status.code(), Some(1), "{}", ended.transcript());
    for expected in ["`probe`", "`exit 3`", "exit status: 3"] {
        assert!(ended.stderr.contains(expected), "{}", ended.transcript());
    }
}
