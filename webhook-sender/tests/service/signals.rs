//! Signals at every moment of a process's life: none is ignored, and each ends it in order.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use test_support::{Behaviour, Request, with_timeout};

use crate::process::{LOOPBACK, Process, RUN, Silent};
use crate::sender::{SECRET, Setting, Store};

/// Constants of Linux: the flag to open without waiting for a reader, and the error if there is none.
const O_NONBLOCK: i32 = 0o4000;
const ENXIO: i32 = 6;

/// A named pipe: it can be opened for writing once the process has opened it for reading.
struct Pipe(PathBuf);

impl Pipe {
    fn new(path: PathBuf) -> Self {
        let made = Command::new("mkfifo").arg(&path).status();
        assert!(made.expect("mkfifo can be run").success());
        Self(path)
    }

    /// Waits until it is being read.
    async fn opened(&self) -> std::fs::File {
        let open = || {
            let mut options = std::fs::File::options();
            options.write(true).custom_flags(O_NONBLOCK).open(&self.0)
        };
        let opened = async {
            loop {
                match open() {
                    Ok(file) => return file,
                    // It has no reader yet.
                    Err(error) => assert_eq!(error.raw_os_error(), Some(ENXIO), "{error}"),
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        with_timeout(opened, || "a reader".into()).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_that_is_asked_for_while_the_file_is_read_is_done_afterwards() {
    let setting = Setting::new(Store::Sqlite).await;
    let config = std::fs::read(setting.configure("sender", "")).expect("a file");
    std::fs::remove_file(setting.folder().join("sender.toml")).expect("a file");
    let pipe = Pipe::new(setting.folder().join("sender.toml"));
    let mut process = Process::start(setting.folder(), &RUN);
    let mut writer = pipe.opened().await;
    process.signal("HUP");
    writer.write_all(&config).expect("it reads");
    drop(writer);
    let line = process.first_line().await;
    assert!(line.starts_with("listening on"), "{}", process.log());
    pipe.opened().await.write_all(&config).expect("it reads");
    process.says("configuration applied").await;
    process.ends_well_at("TERM").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_still_reads_its_file_stops_when_it_is_told_to() {
    for signal in ["TERM", "INT"] {
        let setting = Setting::new(Store::Sqlite).await;
        let pipe = Pipe::new(setting.folder().join("sender.toml"));
        let process = Process::start(setting.folder(), &RUN);
        let _writer = pipe.opened().await;
        process.ends_well_at(signal).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_waits_for_its_name_stops_when_it_is_told_to() {
    let setting = Setting::new(Store::Redis).await;
    setting.configure("sender", "");
    let first = setting.start("sender");
    for signal in ["TERM", "INT"] {
        let process = Process::start(setting.folder(), &RUN);
        process.says("waiting for the name").await;
        process.ends_well_at(signal).await;
    }
    assert!(first.stop().success(), "it has its lease still");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_waits_for_a_handshake_stops_when_it_is_told_to() {
    for signal in ["TERM", "INT"] {
        let receiver = Silent::new().await;
        let setting = Setting::new(Store::Redis).await;
        setting.configure("sender", &receiver.endpoint());
        let process = Process::start(setting.folder(), &RUN);
        let _held = receiver.called().await;
        process.ends_well_at(signal).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_reads_its_file_again_stops_when_it_is_told_to() {
    let receiver = Silent::new().await;
    let setting = Setting::new(Store::Sqlite).await;
    setting.configure("sender", LOOPBACK);
    let mut process = Process::start(setting.folder(), &RUN);
    process.first_line().await;
    setting.configure("sender", &receiver.endpoint());
    process.signal("HUP");
    let _held = receiver.called().await;
    process.ends_well_at("TERM").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_that_is_asked_for_while_it_stops_does_not_cut_deliveries_off() {
    let receiver = test_support::Receiver::start().await;
    receiver.on("/hook", Behaviour::status(200).after_arrivals(2));
    let setting = Setting::new(Store::Sqlite).await;
    setting.configure(
        "sender",
        &format!(
            "{LOOPBACK}[[tenant]]\nid = \"acme\"\n[[tenant.endpoint]]\nid = \"orders\"\n\
             url = \"{}\"\nevents = [\"*\"]\nsecret = \"{SECRET}\"\n",
            receiver.url("/hook")
        ),
    );
    let mut process = Process::start(setting.folder(), &RUN);
    let line = process.first_line().await;
    let api = line.trim().strip_prefix("listening on ").expect("its API");
    let event = json!({ "id": "evt_1", "type": "order.shipped", "data": 1 });
    let published = Request::post(format!("{api}/v1/tenants/acme/events"))
        .json(event.to_string())
        .send()
        .await;
    assert_eq!(published.status, 202, "{}", published.text());
    receiver.received(1).await;
    process.signal("TERM");
    process.says("stopping").await;
    process.signal("HUP");
    let released = Request::post(receiver.url("/hook")).json("{}");
    released.send().await;
    let status = process.ended().await;
    assert_eq!(status.code(), Some(0), "{}", process.log());
    assert!(!process.log().contains("aborting"), "{}", process.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_stops_when_it_is_told_to() {
    let folder = tempfile::tempdir().expect("a folder");
    for signal in ["TERM", "INT"] {
        let arguments = ["listen", "--secret", SECRET, "--listen", "127.0.0.1:0"];
        let process = Process::start(folder.path(), &arguments);
        process.says("listening on").await;
        process.ends_well_at(signal).await;
    }
}

/// As process 1 they would go on: it has no default action for a signal.
#[tokio::test(flavor = "multi_thread")]
async fn commands_that_wait_handle_the_signals_themselves() {
    let folder = tempfile::tempdir().expect("a folder");
    let sender = Silent::new().await;
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let arguments = ["health", "--api", &sender.url()];
        let mut process = Process::start(folder.path(), &arguments);
        let _held = sender.called().await;
        process.signal(signal);
        assert_eq!(process.ended().await.code(), Some(code), "{signal}");
    }
    let pipe = Pipe::new(folder.path().join("events"));
    for command in [
        &["publish", "--tenant", "acme", "--file", "events"][..],
        &["check", "--config", "events"],
        &["sign", "--secret", SECRET, "events"],
    ] {
        let mut process = Process::start(folder.path(), command);
        let _writer = pipe.opened().await;
        process.signal("TERM");
        assert_eq!(process.ended().await.code(), Some(143), "{command:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_health_check_of_a_sender_that_does_not_respond_fails_by_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let sender = Silent::new().await;
    let mut process = Process::start(folder.path(), &["health", "--api", &sender.url()]);
    let _held = sender.called().await;
    assert_eq!(process.ended().await.code(), Some(1));
    assert!(process.log().contains("within 5s"), "{}", process.log());
}
