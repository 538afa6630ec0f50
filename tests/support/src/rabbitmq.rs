//! Private RabbitMQ servers: a node on free loopback ports, with its files and its cookie in a temporary
//! folder.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::private_server::{PrivateServer, free_port};
use crate::with_timeout;

const HINT: &str = "this test needs RabbitMQ 3.10 or later; on Debian `apt-get install rabbitmq-server` installs it";

/// The start of an AMQP 0-9-1 connection, to which a server responds with a frame.
const PROTOCOL_HEADER: &[u8] = b"AMQP\x00\x00\x09\x01";

/// A private RabbitMQ node. Dropping it ends the process.
pub struct RabbitServer {
    server: PrivateServer,
    /// The ports of the node's own protocols.
    distribution: u16,
    port_mapper: u16,
    /// Lines of the configuration file.
    settings: String,
}

impl RabbitServer {
    /// Starts a node and waits until it responds.
    ///
    /// # Panics
    ///
    /// RabbitMQ is not installed or does not start. The message has the installation command or the log.
    pub async fn start() -> Self {
        Self::start_with("").await
    }

    /// Starts a node like [`RabbitServer::start`], with further lines of its configuration file.
    ///
    /// # Panics
    ///
    /// See [`RabbitServer::start`].
    pub async fn start_with(settings: &str) -> Self {
        let mut server = Self {
            server: PrivateServer::new(),
            distribution: free_port(),
            port_mapper: free_port(),
            settings: settings.to_owned(),
        };
        server.restart().await;
        server
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Returns the URL, for example `amqp://127.0.0.1:34567`.
    pub fn url(&self) -> String {
        format!("amqp://{}", self.address())
    }

    pub fn folder(&self) -> &Path {
        self.server.folder()
    }

    /// Waits until a new quorum queue survives SIGKILL: the node acknowledges its declaration, and even
    /// messages, about a second before the file that names its Raft member is written. A node that is
    /// killed in between starts the queue as an empty member that elects no leader, and no publisher or
    /// consumer of it ever gets a reply. A known fault of RabbitMQ.
    pub async fn has_recorded_quorum_queue(&self, queue: &str) {
        let node = format!("mnesia/{0}/quorum/{0}/names.dets", self.node_name());
        let names = self.folder().join(node);
        let recorded = async {
            loop {
                let text = std::fs::read(&names).unwrap_or_default();
                if text
                    .windows(queue.len())
                    .any(|part| part == queue.as_bytes())
                {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        with_timeout(recorded, || format!("`{queue}` in {}", names.display())).await;
    }

    /// Kills the process with SIGKILL and waits for its end. Its files are kept.
    pub fn kill(&mut self) {
        self.server.kill();
        // The node's name would be taken for a while.
        self.end_port_mapper();
    }

    /// Freezes the process with SIGSTOP: connections stay open without replies.
    pub fn stall(&self) {
        self.server.signal("STOP");
    }

    /// Continues the process after [`RabbitServer::stall`].
    pub fn unstall(&self) {
        self.server.signal("CONT");
    }

    /// Kills the process, and starts it again on the same port without its files.
    pub async fn restart_empty(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(self.folder().join("mnesia"));
        self.restart().await;
    }

    /// Kills the process if it runs, starts it again on the same port and files, and waits until it
    /// responds.
    ///
    /// # Panics
    ///
    /// See [`RabbitServer::start`].
    pub async fn restart(&mut self) {
        self.kill();
        let mut command = self.command();
        self.server.spawn(&mut command, HINT);
        self.server.ready(responds).await;
    }

    /// Returns the command of the node. Everything that a node shares with others on the machine by
    /// default is its own.
    fn command(&self) -> Command {
        let folder = self.folder();
        let file = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::write(&path, text).expect("a file of the server");
            path
        };
        file("rabbitmq.conf", &self.settings);
        let plugins = file("plugins", "[].\n");
        let mut command = Command::new(program());
        command
            .env("HOME", folder)
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("ERL_EPMD_PORT", self.port_mapper.to_string())
            // It may be ended while it has a node, as it notices the end of a node a little later.
            .env("ERL_EPMD_RELAXED_COMMAND_CHECK", "1")
            .env("RABBITMQ_NODENAME", self.node_name())
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODE_PORT", self.server.port().to_string())
            .env("RABBITMQ_DIST_PORT", self.distribution.to_string())
            .env("RABBITMQ_MNESIA_BASE", folder.join("mnesia"))
            .env("RABBITMQ_LOG_BASE", folder)
            .env("RABBITMQ_LOGS", "-")
            .env("RABBITMQ_CONFIG_FILE", folder.join("rabbitmq"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", plugins)
            // The script then becomes the server, and killing it kills the server.
            .env("RUNNING_UNDER_SYSTEMD", "true");
        command
    }

    fn node_name(&self) -> String {
        format!("test{}@localhost", self.server.port())
    }

    fn end_port_mapper(&self) {
        let _ = Command::new("epmd")
            .args(["-port", &self.port_mapper.to_string(), "-kill"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

impl Drop for RabbitServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Returns the server's program. Debian's on the PATH changes to another user, who has no access to the
/// folders of a test.
fn program() -> PathBuf {
    let own = PathBuf::from("/usr/lib/rabbitmq/bin/rabbitmq-server");
    if own.exists() {
        own
    } else {
        "rabbitmq-server".into()
    }
}

/// Returns `true` if the server responds to a client.
async fn responds(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(address).await else {
        return false;
    };
    let mut frame = [0; 1];
    stream.write_all(PROTOCOL_HEADER).await.is_ok()
        && stream.read_exact(&mut frame).await.is_ok()
        && frame == [1]
}
