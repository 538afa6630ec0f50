//! Private brokers with the protocol of Kafka: `tansu` on a free loopback port. It keeps everything in
//! memory, and has neither TLS nor users.

use std::net::SocketAddr;
use std::process::Command;

use tokio::net::TcpStream;

use crate::brokers::{HINT, program};
use crate::private_server::PrivateServer;

/// A private `tansu`. Dropping it ends the process.
pub struct TansuServer {
    server: PrivateServer,
}

impl TansuServer {
    /// Starts a broker and waits until it responds.
    ///
    /// # Panics
    ///
    /// `tansu` is not installed or does not start. The message has the installation command or the log.
    pub async fn start() -> Self {
        let mut server = Self {
            server: PrivateServer::new(),
        };
        server.restart_empty().await;
        server
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Returns the URL of a source, for example `kafka://127.0.0.1:34567`.
    pub fn url(&self) -> String {
        format!("kafka://{}", self.address())
    }

    /// Creates a topic.
    ///
    /// # Panics
    ///
    /// The broker refuses it.
    pub fn create_topic(&self, name: &str, partitions: usize) {
        let output = Command::new(program("tansu"))
            .args(["topic", "create", "--broker", &self.listener()])
            .args(["--partitions", &partitions.to_string(), name])
            .output();
        let output = output.expect("it has run before");
        assert!(output.status.success(), "topic `{name}`: {output:?}");
    }

    /// Kills the process with SIGKILL and waits for its end.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Freezes the process with SIGSTOP: connections stay open without replies.
    pub fn stall(&self) {
        self.server.signal("STOP");
    }

    /// Continues the process after [`TansuServer::stall`].
    pub fn unstall(&self) {
        self.server.signal("CONT");
    }

    /// Kills the process if it runs, and starts it again on the same port, without its topics.
    ///
    /// # Panics
    ///
    /// See [`TansuServer::start`].
    pub async fn restart_empty(&mut self) {
        self.kill();
        let mut command = Command::new(program("tansu"));
        command
            .args(["broker", "--silent", "--storage-engine", "memory://tansu/"])
            .args(["--listener-url", &self.listener()])
            .args(["--advertised-listener-url", &self.listener()]);
        self.server.spawn(&mut command, HINT);
        let responds = async |address| TcpStream::connect::<SocketAddr>(address).await.is_ok();
        self.server.ready(responds).await;
    }

    fn listener(&self) -> String {
        format!("tcp://{}", self.address())
    }
}
