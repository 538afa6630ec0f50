//! A private `redis-server`: on a free port of the loopback address, with its files in a temporary
//! folder and its append-only file on. It can be killed, and started again on the same port and
//! files. It ends with its owner.
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

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::within_patience;

/// How soon what was written is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fsync {
    /// Before it is answered: a kill loses nothing.
    Always,
    /// Once a second. A kill of the process alone loses nothing either, as the kernel has it.
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

/// A `redis-server` of one's own.
pub struct RedisServer {
    process: Option<Child>,
    port: u16,
    arguments: Vec<String>,
    folder: TempDir,
}

impl RedisServer {
    /// Starts one and waits until it answers.
    ///
    /// # Panics
    /// Where there is no `redis-server`, with how to install it; and where it does not start, with
    /// its log.
    pub async fn start(fsync: Fsync) -> Self {
        Self::start_with(fsync, &[]).await
    }

    /// The same with more arguments, such as `["--maxmemory", "4mb"]`.
    ///
    /// # Panics
    /// As [`RedisServer::start`].
    pub async fn start_with(fsync: Fsync, arguments: &[&str]) -> Self {
        let mut server = Self {
            process: None,
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

    /// Its port on `127.0.0.1`.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Its URL, for example `redis://127.0.0.1:34567`.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// The folder of its append-only file and its log.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The number of its process, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Kills it with SIGKILL and waits until it is gone. Its files stay as they are.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // An error here means that it has ended by itself.
            let _ = process.kill();
            process
                .wait()
                .expect("a process that was started can be waited for");
        }
    }

    /// Stops its process where it stands (SIGSTOP): connections stay open and nothing is answered.
    pub fn stall(&self) {
        self.signal("STOP");
    }

    /// Lets it go on after [`RedisServer::stall`].
    pub fn unstall(&self) {
        self.signal("CONT");
    }

    /// Starts it again on the same port and files, after [`RedisServer::kill`], and waits until it
    /// has loaded them.
    ///
    /// # Panics
    /// As [`RedisServer::start`].
    pub async fn restart(&mut self) {
        self.kill();
        self.process = Some(self.spawn());
        let log = self.folder.path().join("log");
        let answering = async {
            while !answers(self.address()).await {
                self.check_alive();
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        within_patience(answering, || format!("redis-server:\n{}", read(&log))).await;
    }

    fn spawn(&self) -> Child {
        let port = self.port.to_string();
        Command::new("redis-server")
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
                panic!(
                    "cannot run `redis-server` ({error}): this test needs Redis 6.2 or later; \
                     on Debian and Ubuntu `apt-get install redis-server` installs it"
                )
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

/// A port that was free a moment ago. Should another process take it in between, the server says
/// so and the test fails with its log.
fn free_port() -> u16 {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    socket
        .local_addr()
        .expect("a bound socket has an address")
        .port()
}

/// Whether it answers PING with PONG: not while it loads its files.
async fn answers(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(address).await else {
        return false;
    };
    let mut answer = [0; 7];
    stream.write_all(b"PING\r\n").await.is_ok()
        && stream.read_exact(&mut answer).await.is_ok()
        && answer == *b"+PONG\r\n"
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
