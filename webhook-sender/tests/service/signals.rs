//! Signals at every moment of a process's life: none is ignored, and none ends it unasked.

use std::io::{BufRead, BufReader, PipeReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::json;
use test_support::{Behaviour, Request, with_timeout};
use tokio::net::{TcpListener, TcpStream};

use crate::sender::{SECRET, Setting, Store};

const LOOPBACK: &str = "[delivery]\nallow_http = true\nallow_networks = [\"127.0.0.0/8\"]\n";

/// A process that may never come to listen. It is killed when it is dropped.
struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `webhook-sender` with these arguments in `folder`.
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::start_with(folder, arguments, Stdio::piped())
    }

    fn start_with(folder: &Path, arguments: &[&str], output: Stdio) -> Self {
        let log = folder.join("process.log");
        let child = Command::new(env!("CARGO_BIN_EXE_webhook-sender"))
            .args(arguments)
            .current_dir(folder)
            .stdout(output)
            .stderr(std::fs::File::create(&log).expect("a log"))
            .spawn()
            .expect("the sender can be started");
        Self { child, log }
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .args([format!("-{signal}"), self.child.id().to_string()])
            .status();
        assert!(sent.expect("kill can be run").success());
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    async fn says(&self, text: &str) {
        let said = async {
            while !self.log().contains(text) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        with_timeout(said, || format!("`{text}` in {}", self.log())).await;
    }

    /// The first line of its output.
    async fn first_line(&mut self) -> String {
        let output = self.child.stdout.take().expect("its output");
        let read = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(output).read_line(&mut line).expect("text");
            line
        });
        let line = with_timeout(read, || self.log()).await;
        line.expect("no panic")
    }

    async fn ended(&mut self) -> ExitStatus {
        let ended = async {
            loop {
                if let Some(status) = self.child.try_wait().expect("a child") {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let log = self.log.clone();
        let shown = || std::fs::read_to_string(&log).unwrap_or_default();
        with_timeout(ended, || format!("the process to end\n{}", shown())).await
    }

    /// Sends a signal that has to end it well.
    async fn ends_well_at(mut self, signal: &str) {
        self.signal(signal);
        let status = self.ended().await;
        assert_eq!(status.code(), Some(0), "{signal}: {status}\n{}", self.log());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Of Linux: do not wait for a reader, and the error of there being none.
const O_NONBLOCK: i32 = 0o4000;
const ENXIO: i32 = 6;

/// A named pipe: who opens it to write knows that the process has opened it to read.
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
                    // Nobody reads it yet.
                    Err(error) => assert_eq!(error.raw_os_error(), Some(ENXIO), "{error}"),
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        with_timeout(opened, || "a reader".into()).await
    }
}

/// A receiver that accepts connections and never responds.
struct Silent(TcpListener);

impl Silent {
    async fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.expect("a port"))
    }

    fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().expect("an address"))
    }

    /// Waits for a connection, which stays open while it is held.
    async fn called(&self) -> TcpStream {
        let accepted = with_timeout(self.0.accept(), || "a connection".into());
        accepted.await.expect("a connection").0
    }

    /// A file with an endpoint whose handshake this receiver holds up.
    fn endpoint(&self) -> String {
        format!(
            "{LOOPBACK}[[tenant]]\nid = \"acme\"\n[[tenant.endpoint]]\nid = \"orders\"\n\
             url = \"{}/hook\"\nevents = [\"*\"]\nhandshake = \"key\"\n",
            self.url()
        )
    }
}

const RUN: [&str; 3] = ["run", "--config", "sender.toml"];

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

/// An output that nobody reads.
fn unread() -> Stdio {
    let (reader, writer): (PipeReader, _) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_whose_output_nobody_reads_ends_quietly() {
    let setting = Setting::new(Store::Sqlite).await;
    setting.configure("sender", "");
    let sender = setting.start("sender");
    std::fs::write(setting.folder().join("body"), "{}").expect("a file");
    for command in [
        &["tenants", "add", "acme", "--api", &sender.api][..],
        &["check", "--config", "sender.toml"],
        &["sign", "--secret", SECRET, "body"],
    ] {
        let mut process = Process::start_with(setting.folder(), command, unread());
        assert_eq!(process.ended().await.code(), Some(141), "{command:?}");
        assert_eq!(process.log(), "", "{command:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_whose_output_nobody_reads_ends_quietly() {
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = ["listen", "--secret", SECRET, "--listen", "127.0.0.1:0"];
    let mut process = Process::start_with(folder.path(), &arguments, unread());
    // The line break: the whole address is there.
    process.says("\n").await;
    let log = process.log();
    let url = log.trim().strip_prefix("listening on ").expect("its URL");
    // It ends while it responds, or right after that.
    let _ = tokio::spawn(Request::post(url).json("{}").send()).await;
    assert_eq!(process.ended().await.code(), Some(141));
    assert_eq!(process.log(), log);
}
