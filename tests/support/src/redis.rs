//! Private Redis servers: `redis-server` or `valkey-server` on a free loopback port, with an append-only
//! file in a temporary folder. A server can be killed and restarted on the same port and files.
//!
//! ```no_run
//! # async fn run() {
//! use test_support::redis::{Fsync, RedisServer};
//!
//! let mut redis = RedisServer::start(Fsync::Always).await;
//! println!("{}", redis.url());
//! redis.kill();
//! redis.restart().await;
//! # }
//! ```

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::brokers;
use crate::private_server::PrivateServer;

/// The `appendfsync` setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fsync {
    /// Flushes before the reply: a kill loses nothing.
    Always,
    /// Flushes once a second. A kill of the process loses nothing either, because the kernel has the
    /// data.
    EverySecond,
}

impl Fsync {
    fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::EverySecond => "everysec",
        }
    }
}

const HINT: &str = "this test needs Redis 6.2 or later; on Debian and Ubuntu \
                    `apt-get install redis-server` installs it";

/// A private `redis-server`. Dropping it ends the process.
pub struct RedisServer {
    server: PrivateServer,
    program: PathBuf,
    /// The advice if the program is missing.
    hint: &'static str,
    arguments: Vec<String>,
}

impl RedisServer {
    /// Starts a server and waits until it responds.
    ///
    /// # Panics
    ///
    /// `redis-server` is not installed or does not start. The message has the installation command or
    /// the log.
    pub async fn start(fsync: Fsync) -> Self {
        Self::start_with(fsync, &[]).await
    }

    /// Starts a server like [`RedisServer::start`], with further arguments such as
    /// `["--maxmemory", "4mb"]`.
    ///
    /// # Panics
    ///
    /// See [`RedisServer::start`].
    pub async fn start_with(fsync: Fsync, arguments: &[&str]) -> Self {
        Self::start_program("redis-server".into(), HINT, fsync, arguments).await
    }

    /// Starts a server of Valkey, which has the same protocol, arguments and files.
    ///
    /// # Panics
    ///
    /// `valkey-server` is not installed or does not start. The message has the installation command or
    /// the log.
    pub async fn start_valkey(fsync: Fsync) -> Self {
        Self::start_program(brokers::program("valkey-server"), brokers::HINT, fsync, &[]).await
    }

    async fn start_program(
        program: PathBuf,
        hint: &'static str,
        fsync: Fsync,
        arguments: &[&str],
    ) -> Self {
        let mut server = Self {
            server: PrivateServer::new(),
            program,
            hint,
            arguments: [&["--appendfsync", fsync.name()], arguments]
                .concat()
                .into_iter()
                .map(str::to_owned)
                .collect(),
        };
        server.restart().await;
        server
    }

    /// Returns the port on `127.0.0.1`.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// Returns the address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Returns the URL, for example `redis://127.0.0.1:34567`.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// Returns the folder of the append-only file and the log.
    pub fn folder(&self) -> &Path {
        self.server.folder()
    }

    /// Returns the process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.server.pid()
    }

    /// Kills the process with SIGKILL and waits for its end. Its files are kept.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Freezes the process with SIGSTOP: connections stay open without replies.
    pub fn stall(&self) {
        self.server.signal("STOP");
    }

    /// Continues the process after [`RedisServer::stall`].
    pub fn unstall(&self) {
        self.server.signal("CONT");
    }

    /// Kills the process if it runs, starts it again on the same port and files, and waits until they
    /// are loaded.
    ///
    /// # Panics
    ///
    /// See [`RedisServer::start`].
    pub async fn restart(&mut self) {
        self.kill();
        let mut command = self.command();
        self.server.spawn(&mut command, self.hint);
        self.server.ready(responds).await;
    }

    fn command(&self) -> Command {
        let port = self.port().to_string();
        let mut command = Command::new(&self.program);
        command
            .args(["--port", &port, "--bind", "127.0.0.1", "--save", ""])
            .args(["--appendonly", "yes", "--daemonize", "no"])
            .args(&self.arguments)
            .arg("--dir")
            .arg(self.folder());
        command
    }
}

/// Returns `true` if the server replies to PING with PONG, which it does not while it loads its
/// files.
async fn responds(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(address).await else {
        return false;
    };
    let mut reply = [0; 7];
    stream.write_all(b"PING\r\n").await.is_ok()
        && stream.read_exact(&mut reply).await.is_ok()
        && reply == *b"+PONG\r\n"
}
