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

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::brokers;
use crate::private_server::free_port;
use crate::with_timeout;

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
    process: Option<Child>,
    program: PathBuf,
    /// The advice if the program is missing.
    hint: &'static str,
    port: u16,
    arguments: Vec<String>,
    folder: TempDir,
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
            process: None,
            program,
            hint,
            port: free_port(),
            arguments: [&["--appendfsync", fsync.name()], arguments]
                .concat()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            folder: TempDir::new().expect("a temporary folder can be made"),
        };
        server.restart().await;
        server
    }

    /// Returns the port on `127.0.0.1`.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the address on which it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Returns the URL, for example `redis://127.0.0.1:34567`.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// Returns the folder of the append-only file and the log.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Kills the process with SIGKILL and waits for its end. Its files are kept.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // An error means that the process has already ended.
            let _ = process.kill();
            process
                .wait()
                .expect("a process that was started can be waited for");
        }
    }

    /// Freezes the process with SIGSTOP: connections stay open without replies.
    pub fn stall(&self) {
        self.signal("STOP");
    }

    /// Continues the process after [`RedisServer::stall`].
    pub fn unstall(&self) {
        self.signal("CONT");
    }

    /// Kills the process if it runs, starts it again on the same port and files, and waits until they
    /// are loaded.
    ///
    /// # Panics
    ///
    /// See [`RedisServer::start`].
    pub async fn restart(&mut self) {
        self.kill();
        self.process = Some(self.spawn());
        let log = self.folder.path().join("log");
        let responding = async {
            while !responds(self.address()).await {
                self.check_alive();
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        with_timeout(responding, || format!("redis-server:\n{}", read(&log))).await;
    }

    fn spawn(&self) -> Child {
        let port = self.port.to_string();
        Command::new(&self.program)
            .args(["--port", &port, "--bind", "127.0.0.1", "--save", ""])
            .args([
                "--appendonly",
                "yes",
                "--logfile",
                "log",
                "--daemonize",
                "no",
            ])
            .args(&self.arguments)
            .arg("--dir")
            .arg(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                let (program, hint) = (self.program.display(), self.hint);
                panic!("cannot run `{program}` ({error}): {hint}")
            })
    }

    fn check_alive(&mut self) {
        let process = self.process.as_mut().expect("it was started");
        if let Ok(Some(status)) = process.try_wait() {
            let log = self.folder.path().join("log");
            panic!("redis-server ended ({status}):\n{}", read(&log));
        }
    }

    fn signal(&self, name: &str) {
        let Some(pid) = self.pid() else { return };
        let status = Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", name, &pid.to_string()])
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "cannot signal {pid}"
        );
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
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

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
