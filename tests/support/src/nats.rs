//! Private NATS servers: `nats-server` with JetStream on a free loopback port, with its files in a
//! temporary folder.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;

use crate::private_server::PrivateServer;

const HINT: &str =
    "this test needs NATS 2.9 or later; on Debian `apt-get install nats-server` installs it";

/// A private `nats-server`. Dropping it ends the process.
pub struct NatsServer {
    server: PrivateServer,
    /// Lines of the configuration file.
    settings: String,
}

impl NatsServer {
    /// Starts a server and waits until it responds.
    ///
    /// # Panics
    ///
    /// `nats-server` is not installed or does not start. The message has the installation command or
    /// the log.
    pub async fn start() -> Self {
        Self::start_with("").await
    }

    /// Starts a server like [`NatsServer::start`], with further lines of its configuration file.
    ///
    /// # Panics
    ///
    /// See [`NatsServer::start`].
    pub async fn start_with(settings: &str) -> Self {
        let mut server = Self {
            server: PrivateServer::new(),
            settings: settings.to_owned(),
        };
        server.restart().await;
        server
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Returns the URL, for example `nats://127.0.0.1:34567`.
    pub fn url(&self) -> String {
        format!("nats://{}", self.address())
    }

    pub fn folder(&self) -> &Path {
        self.server.folder()
    }

    /// Kills the process with SIGKILL and waits for its end. Its files are kept.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Freezes the process with SIGSTOP: connections stay open without replies.
    pub fn stall(&self) {
        self.server.signal("STOP");
    }

    /// Continues the process after [`NatsServer::stall`].
    pub fn unstall(&self) {
        self.server.signal("CONT");
    }

    /// Kills the process, and starts it again on the same port without its files.
    pub async fn restart_empty(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(self.folder().join("store"));
        self.restart().await;
    }

    /// Kills the process if it runs, starts it again on the same port and files, and waits until it
    /// responds.
    ///
    /// # Panics
    ///
    /// See [`NatsServer::start`].
    pub async fn restart(&mut self) {
        self.kill();
        let config = self.folder().join("nats.conf");
        let mut text = format!("listen: \"{}\"\n", self.address());
        let store = self.folder().join("store");
        let _ = writeln!(text, "jetstream {{ store_dir: \"{}\" }}", store.display());
        text.push_str(&self.settings);
        std::fs::write(&config, text).expect("a configuration");
        let mut command = Command::new("nats-server");
        command.arg("--config").arg(&config);
        self.server.spawn(&mut command, HINT);
        self.server.ready(greets).await;
    }
}

/// Returns `true` if the server greets a client and has JetStream.
async fn greets(address: SocketAddr) -> bool {
    let Ok(stream) = TcpStream::connect(address).await else {
        return false;
    };
    let mut line = String::new();
    let read = BufReader::new(stream).read_line(&mut line).await;
    read.is_ok() && line.contains("\"jetstream\":true")
}
