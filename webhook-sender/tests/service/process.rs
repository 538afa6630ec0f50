//! Processes that may never listen, and receivers that never respond.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use test_support::with_timeout;
use tokio::net::{TcpListener, TcpStream};

pub const LOOPBACK: &str = "[delivery]\nallow_http = true\nallow_networks = [\"127.0.0.0/8\"]\n";

/// The arguments of a sender.
pub const RUN: [&str; 3] = ["run", "--config", "sender.toml"];

/// A process that may never listen. It is killed when it is dropped.
pub struct Process {
    pub child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `webhook-sender` with these arguments in `folder`.
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::start_with(folder, arguments, Stdio::piped())
    }

    pub fn start_with(folder: &Path, arguments: &[&str], output: Stdio) -> Self {
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

    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .args([format!("-{signal}"), self.child.id().to_string()])
            .status();
        assert!(sent.expect("kill can be run").success());
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub async fn says(&self, text: &str) {
        let said = async {
            while !self.log().contains(text) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        with_timeout(said, || format!("`{text}` in {}", self.log())).await;
    }

    /// Returns the first line of its output.
    pub async fn first_line(&mut self) -> String {
        let output = self.child.stdout.take().expect("its output");
        let read = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(output).read_line(&mut line).expect("text");
            line
        });
        let line = with_timeout(read, || self.log()).await;
        line.expect("no panic")
    }

    pub async fn ended(&mut self) -> ExitStatus {
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

    /// Sends a signal, which must end the process with success.
    pub async fn ends_well_at(mut self, signal: &str) {
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

/// A receiver that accepts connections and never responds.
pub struct Silent(TcpListener);

impl Silent {
    pub async fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.expect("a port"))
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().expect("an address"))
    }

    /// Waits for a connection, which stays open while it is held.
    pub async fn called(&self) -> TcpStream {
        let accepted = with_timeout(self.0.accept(), || "a connection".into());
        accepted.await.expect("a connection").0
    }

    /// Returns a file with an endpoint whose handshake this receiver delays.
    pub fn endpoint(&self) -> String {
        format!(
            "{LOOPBACK}[[tenant]]\nid = \"acme\"\n[[tenant.endpoint]]\nid = \"orders\"\n\
             url = \"{}/hook\"\nevents = [\"*\"]\nhandshake = \"key\"\n",
            self.url()
        )
    }
}
