//! The start: its messages, and the errors that prevent it.

use test_support::{App, Ended, Receiver};

use crate::probe::*;

#[tokio::test]
async fn the_start_prints_the_address_the_routes_and_the_state_files() {
    let app = probe();
    let running = start(&app).await;
    let address = running.address();
    // The routes follow the line that the test waits for.
    let ended = running.stop().await;
    let expected = format!("\nServing http://{address}\nAvailable Routes:\n");
    assert!(
        ended.stdout.starts_with(&expected),
        "{}",
        ended.transcript()
    );
    for route in [
        format!("  probe: http://{address} (wildcard)\n"),
        format!("  probe: http://{address}/exact\n"),
        format!("  probe: http://{address}/users/:name\n"),
        format!("  probe: http://{address}/deep/:a/rest (wildcard)\n"),
        format!("  bare: http://{address}/bare (wildcard)\n"),
    ] {
        assert!(
            ended.stdout.contains(&route),
            "{route}{}",
            ended.transcript()
        );
    }
    for path in ["logs", "sqlite_db.db", "sqlite_key_value.db"] {
        let path = app.state_dir().join(path).display().to_string();
        assert!(
            ended.stderr.contains(&path),
            "{path}: {}",
            ended.transcript()
        );
    }
}

#[tokio::test]
async fn state_is_kept_beside_the_manifest_by_default() {
    let app = probe_with("key_value_stores = [\"default\"]");
    let manifest = app.file(
        "spin.toml",
        &manifest("/...", "key_value_stores = [\"default\"]"),
    );
    let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_spin-local"))
        .args(["up", "--listen", "127.0.0.1:0", "-f"])
        .arg(&manifest)
        .kill_on_drop(true)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it can be run");
    let mut stdout = child.stdout.take().expect("it is piped");
    let mut head = [0; 9];
    tokio::io::AsyncReadExt::read_exact(&mut stdout, &mut head)
        .await
        .expect("it serves");
    assert_eq!(&head, b"\nServing ");
    let state = manifest.with_file_name(".spin");
    assert!(state.join("sqlite_key_value.db").is_file());
    assert!(state.join("logs").is_dir());
}

async fn start_error(app: App) -> Ended {
    let ended = app.fail_to_start(&runtime()).await;
    assert_eq!(ended.status.code(), Some(1), "{}", ended.transcript());
    assert_eq!(ended.stdout, "", "{}", ended.transcript());
    assert!(ended.stderr.contains("error: "), "{}", ended.transcript());
    ended
}

#[tokio::test]
async fn an_unsupported_setting_is_reported_with_its_name_and_line() {
    // These lines begin at line 9 of the manifest.
    for (grants, expected) in [
        ("ai_models = [\"llama2-chat\"]", "`ai_models`"),
        ("key_value_store = [\"default\"]", "`key_value_stores`"),
        ("allowed_outbound_hosts = [\"example.com\"]", "example.com"),
    ] {
        let ended = start_error(probe_with(grants)).await;
        assert!(
            ended.stderr.contains("spin.toml:9"),
            "{}",
            ended.transcript()
        );
        assert!(ended.stderr.contains(expected), "{}", ended.transcript());
    }
}

#[tokio::test]
async fn an_undefined_label_prevents_the_start() {
    for list in ["key_value_stores", "sqlite_databases"] {
        let ended = start_error(probe_with(&format!("{list} = [\"archive\"]"))).await;
        assert!(ended.stderr.contains("`archive`"), "{}", ended.transcript());
        assert!(ended.stderr.contains("`probe`"), "{}", ended.transcript());
    }
}

#[tokio::test]
async fn a_missing_manifest_is_reported_by_its_path() {
    let ended = start_error(App::from("no/such/folder")).await;
    assert!(
        ended.stderr.contains("no/such/folder"),
        "{}",
        ended.transcript()
    );
}

#[tokio::test]
async fn an_invalid_component_is_reported_by_its_name() {
    let wasm = test_support::components::probe().display().to_string();
    let core = "\0asm\x01\0\0\0";
    for (name, content) in [
        ("missing.wasm", None),
        ("text.wasm", Some("text")),
        ("core.wasm", Some(core)),
    ] {
        let app = probe_with("");
        let path = app.state_dir().with_file_name(name).display().to_string();
        if let Some(content) = content {
            app.file(name, content);
        }
        app.file("spin.toml", &manifest("/...", "").replace(&wasm, &path));
        let ended = start_error(app).await;
        assert!(
            ended.stderr.contains("`probe`"),
            "{name}: {}",
            ended.transcript()
        );
        assert!(
            ended.stderr.contains(name) || content.is_some(),
            "{}",
            ended.transcript()
        );
    }
}

#[tokio::test]
async fn a_component_without_an_http_handler_prevents_the_start() {
    let wasm = test_support::components::probe().display().to_string();
    let hmac = test_support::components::hmac().display().to_string();
    let ended = start_error(App::of_text(&manifest("/...", "").replace(&wasm, &hmac))).await;
    assert!(ended.stderr.contains("`probe`"), "{}", ended.transcript());
    assert!(ended.stderr.contains("HTTP"), "{}", ended.transcript());
}

#[tokio::test]
async fn an_address_in_use_is_reported() {
    let taken = Receiver::start().await;
    let address = taken.address().to_string();
    let ended = probe().fail_to_start_on(&runtime(), &address).await;
    assert_eq!(ended.status.code(), Some(1), "{}", ended.transcript());
    assert!(ended.stderr.contains(&address), "{}", ended.transcript());
    assert!(ended.stderr.contains("in use"), "{}", ended.transcript());
    assert_eq!(ended.stdout, "");
}

#[tokio::test]
async fn a_fault_of_a_runtime_configuration_is_reported_with_file_and_line() {
    let app = probe();
    let file = app.file("runtime.toml", "\n[redis]\nurl = \"x\"\n");
    let app = app.args(["--runtime-config-file".into(), file.into_os_string()]);
    let ended = start_error(app).await;
    assert!(
        ended.stderr.contains("runtime.toml:2"),
        "{}",
        ended.transcript()
    );
}

#[tokio::test]
async fn a_path_that_is_not_a_manifest_is_reported_with_its_kind() {
    let wasm = test_support::components::probe();
    let folder = probe_with("");
    let bytes = folder.state_dir().with_file_name("bytes.toml");
    std::fs::write(&bytes, [0xff, 0xfe]).expect("it can be written");
    for (from, expected) in [
        (wasm, "is a WebAssembly file"),
        ("ghcr.io/owner/app:1.0".into(), "is a registry reference"),
        ("localhost:5000/app".into(), "is a registry reference"),
        (bytes, "is not UTF-8"),
    ] {
        let ended = start_error(App::from(&from)).await;
        for expected in [format!("`{}`", from.display()).as_str(), expected] {
            assert!(ended.stderr.contains(expected), "{}", ended.transcript());
        }
    }
}

#[tokio::test]
async fn a_cause_is_reported_once() {
    let missing = "no/such/file";
    for app in [
        App::from(missing),
        probe().args(["--runtime-config-file", missing]),
        probe().args(["--variable", &format!("who=@{missing}")]),
        probe().args(["--sqlite", &format!("@{missing}")]),
        App::of_text(&manifest("/...", "").replace(".wasm", ".missing")),
    ] {
        let ended = start_error(app).await;
        let causes = ended.stderr.matches("No such file").count();
        assert_eq!(causes, 1, "{}", ended.transcript());
    }
}

#[tokio::test]
async fn a_component_for_another_wasi_is_reported_with_the_sdk_to_use() {
    for (import, expected) in [
        ("wasi:http/types@0.3.0", "WASI 0.3"),
        ("wasi:http/types@0.3.0-rc-2026-03-15", "WASI 0.3"),
        ("wasi:io/poll@0.2.0-rc-2023-11-10", "Spin SDK 2"),
    ] {
        let text = format!("(component (import {import:?} (instance)))");
        let wasm = test_support::components::probe().display().to_string();
        let app = App::of_text(&manifest("/...", "").replace(&wasm, "other.wasm"));
        let bytes = wat::parse_str(&text).expect("a component");
        std::fs::write(app.state_dir().with_file_name("other.wasm"), bytes).expect("it is written");
        let ended = start_error(app).await;
        for expected in ["component `probe`", import, expected, "`spin-sdk`"] {
            assert!(ended.stderr.contains(expected), "{}", ended.transcript());
        }
    }
}

#[tokio::test]
async fn a_host_for_an_unsupported_interface_is_a_warning() {
    let app = start(&probe_with("allowed_outbound_hosts = [\"mqtt://broker\"]")).await;
    app.stderr_has("spin.toml:9: component `probe`: `allowed_outbound_hosts`: `mqtt://broker`")
        .await;
}
