//! Private PostgreSQL servers: `postgres` on a free loopback port, with its files in a temporary
//! folder. A server can be killed, frozen and restarted on the same port and files, and can have a
//! streaming standby.
//!
//! PostgreSQL refuses to run as root: there, the server runs as the user `nobody`.
//!
//! ```no_run
//! # async fn run() {
//! use test_support::postgres::{Fsync, PostgresServer};
//!
//! let mut postgres = PostgresServer::start(Fsync::On).await;
//! println!("{}", postgres.url());
//! postgres.kill();
//! postgres.restart().await;
//! # }
//! ```

mod files;
mod program;
mod shared;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::with_timeout;
use files::{arguments, data, free_port, initialize};
use program::{command, end, make_folder, make_folder_in, run};

pub use program::is_installed;
pub use shared::shared_url;

/// The `fsync` setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fsync {
    /// As the server has it by default: flushes before it commits.
    On,
    /// Never flushes. A kill of the process loses nothing either, because the kernel has the data.
    Off,
}

impl Fsync {
    fn setting(self) -> &'static str {
        match self {
            Self::On => "fsync=on",
            Self::Off => "fsync=off",
        }
    }
}

/// A private `postgres`. Dropping it ends the process.
pub struct PostgresServer {
    process: Option<Child>,
    port: u16,
    settings: Vec<String>,
    folder: TempDir,
}

impl PostgresServer {
    /// Starts a server and waits until it responds.
    ///
    /// # Panics
    ///
    /// PostgreSQL is not installed or does not start. The message has the installation command or the
    /// log.
    pub async fn start(fsync: Fsync) -> Self {
        Self::start_with(fsync, &[]).await
    }

    /// Starts a server like [`PostgresServer::start`], with further settings such as
    /// `["max_connections=20"]`.
    ///
    /// # Panics
    ///
    /// See [`PostgresServer::start`].
    pub async fn start_with(fsync: Fsync, settings: &[&str]) -> Self {
        Self::start_in(&std::env::temp_dir(), fsync, settings).await
    }

    /// Starts a server like [`PostgresServer::start_with`], with its files in a new folder of `parent`.
    ///
    /// # Panics
    ///
    /// See [`PostgresServer::start`].
    pub async fn start_in(parent: &Path, fsync: Fsync, settings: &[&str]) -> Self {
        let folder = make_folder_in(parent);
        initialize(&data(&folder));
        let mut server = Self::of(folder, &[&[fsync.setting()], settings].concat());
        server.restart().await;
        server
    }

    /// Starts a streaming standby of this server, which has everything that is committed here.
    ///
    /// # Panics
    ///
    /// See [`PostgresServer::start`].
    pub async fn start_standby(&self) -> Self {
        let folder = make_folder();
        let mut copy = command("pg_basebackup");
        copy.args(["--host", "127.0.0.1", "--username", "postgres"])
            .args(["--port", &self.port.to_string()])
            .args(["--checkpoint", "fast", "--write-recovery-conf", "--no-sync"])
            .args(["--wal-method", "stream"])
            .arg("--pgdata")
            .arg(data(&folder));
        tokio::task::spawn_blocking(move || run(&mut copy))
            .await
            .expect("the copy ends");
        let settings: Vec<&str> = self.settings.iter().map(String::as_str).collect();
        let mut server = Self::of(folder, &settings);
        server.restart().await;
        server
    }

    fn of(folder: TempDir, settings: &[&str]) -> Self {
        Self {
            process: None,
            port: free_port(),
            settings: settings.iter().map(|text| (*text).to_owned()).collect(),
            folder,
        }
    }

    /// Offers TLS with this certificate and key, both PEM.
    pub async fn use_certificate(&self, certificate: &str, key: &str) {
        program::write_private(&self.data().join("server.crt"), certificate);
        program::write_private(&self.data().join("server.key"), key);
        self.sql("ALTER SYSTEM SET ssl = on");
        let loaded = "SELECT pg_conf_load_time()";
        let before = self.sql(loaded);
        self.sql("SELECT pg_reload_conf()");
        let reloaded = async {
            while self.sql(loaded) == before {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        with_timeout(reloaded, || "the certificate".into()).await;
    }

    /// Makes a standby the primary server.
    pub fn promote(&self) {
        run(command("pg_ctl")
            .args(["promote", "--wait", "--pgdata"])
            .arg(data(&self.folder)));
    }

    /// Returns the port on `127.0.0.1`.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the address on which it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Returns the URL of its database as superuser.
    pub fn url(&self) -> String {
        format!("postgres://postgres@{}/postgres", self.address())
    }

    /// Returns the folder of its files, which contains `postgresql.conf`.
    pub fn data(&self) -> PathBuf {
        data(&self.folder)
    }

    /// Returns the process id of the server, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Runs SQL with `psql` as superuser. Returns its output, unaligned and without headers.
    ///
    /// # Panics
    ///
    /// The statement fails.
    pub fn sql(&self, sql: &str) -> String {
        sql_at(self.port, sql)
    }

    /// Kills the process with SIGKILL and waits for its end. Its files are kept.
    pub fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            end(process);
        }
    }

    /// Freezes all processes of the server: connections stay open without replies.
    pub fn stall(&self) {
        self.signal("STOP");
    }

    /// Continues the processes after [`PostgresServer::stall`].
    pub fn unstall(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        if let Some(pid) = self.pid() {
            program::signal_tree(pid, name);
        }
    }

    /// Kills the process if it runs, starts it again on the same port and files, and waits until it
    /// responds.
    ///
    /// # Panics
    ///
    /// See [`PostgresServer::start`].
    pub async fn restart(&mut self) {
        self.kill();
        let log = self.folder.path().join("log");
        let waiting_for = || {
            let log = std::fs::read_to_string(&log).unwrap_or_default();
            format!("postgres:\n{log}")
        };
        with_timeout(self.respond(), waiting_for).await;
    }

    /// Kills the process, and starts it again without its data.
    ///
    /// # Panics
    ///
    /// See [`PostgresServer::start`].
    pub async fn restart_empty(&mut self) {
        self.kill();
        let data = self.data();
        std::fs::remove_dir_all(&data).expect("the files are not used");
        initialize(&data);
        self.restart().await;
    }

    /// Starts the server again if it has ended by itself.
    ///
    /// # Panics
    ///
    /// See [`PostgresServer::start`].
    pub async fn restart_if_ended(&mut self) {
        if self.has_ended() {
            self.restart().await;
        }
    }

    async fn respond(&mut self) {
        loop {
            if self.has_ended() {
                // Children of a killed process hold its shared memory for a moment.
                self.process = Some(self.spawn());
            }
            if self.responds().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn has_ended(&mut self) -> bool {
        let running = self.process.as_mut().map(Child::try_wait);
        !matches!(running, Some(Ok(None)))
    }

    async fn responds(&self) -> bool {
        let mut ready = command("pg_isready");
        ready.args(["--quiet", "--host", "127.0.0.1", "--timeout", "1"]);
        ready.args(["--port", &self.port.to_string()]);
        let status = tokio::task::spawn_blocking(move || ready.status()).await;
        matches!(status, Ok(Ok(status)) if status.success())
    }

    fn spawn(&self) -> Child {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .expect("the log can be opened");
        let mut server = command("postgres");
        server.arg("-D").arg(data(&self.folder));
        for setting in arguments(self.port, self.folder.path())
            .iter()
            .chain(&self.settings)
        {
            server.args(["-c", setting]);
        }
        server
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("postgres can be run")
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.kill();
    }
}

fn sql_at(port: u16, sql: &str) -> String {
    let mut psql = command("psql");
    psql.args(["--host", "127.0.0.1", "--username", "postgres"])
        .args(["--port", &port.to_string(), "--dbname", "postgres"])
        .args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only"])
        .args(["--set", "ON_ERROR_STOP=1", "--command", sql]);
    run(&mut psql).trim().to_owned()
}
