//! Private PostgreSQL servers: `postgres` on a free loopback port, with its files in a temporary folder.
//! A server can be killed, frozen and restarted on the same port and files.
//!
//! ```no_run
//! use test_support::postgres::PostgresServer;
//!
//! let server = PostgresServer::start();
//! println!("{}", server.url());
//! ```

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The installed versions on Debian, whose programs are not on the `PATH`.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The maximum time for a server to start.
const START_TIMEOUT: Duration = Duration::from_secs(120);

/// A private server. Dropping it ends the process.
pub struct PostgresServer {
    process: Option<Child>,
    port: u16,
    folder: TempDir,
}

impl PostgresServer {
    /// Creates the files, starts a server, and waits until it accepts connections.
    ///
    /// # Panics
    ///
    /// PostgreSQL is not installed, or does not start. The message has the reason.
    pub fn start() -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        if is_root() {
            // PostgreSQL refuses to run as root.
            run(Command::new("chown").arg("postgres").arg(folder.path()));
        }
        let files = folder.path().join("data");
        run(program("initdb")
            .args([
                "--username=postgres",
                "--auth=trust",
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C",
            ])
            .arg("--pgdata")
            .arg(&files));
        let mut server = Self {
            process: None,
            port: free_port(),
            folder,
        };
        server.restart();
        server
    }

    /// Returns the address on which it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Returns the URL of its database, for example `postgres://postgres@127.0.0.1:34567/postgres`.
    pub fn url(&self) -> String {
        format!("postgres://postgres@{}/postgres", self.address())
    }

    /// Runs a file or statements with `psql`.
    ///
    /// # Panics
    ///
    /// A statement fails.
    pub fn psql(&self, arguments: &[&str]) {
        run(program("psql")
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", &self.url()])
            .args(arguments));
    }

    /// Runs statements with `psql` until the result is dropped, which ends their transaction.
    pub fn psql_in_background(&self, statements: &str) -> Session {
        let child = program("psql")
            .args(["-X", "-q", &self.url(), "-c", statements])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run `psql` ({error}): {INSTALL}"));
        Session(child)
    }

    /// Waits until a query returns a row.
    ///
    /// # Panics
    ///
    /// It does not in two minutes.
    pub fn wait_for(&self, query: &str) {
        let end = Instant::now() + START_TIMEOUT;
        loop {
            let output = program("psql")
                .args(["-X", "-A", "-t", &self.url(), "-c", query])
                .output();
            if output.is_ok_and(|output| !output.stdout.trim_ascii().is_empty()) {
                return;
            }
            assert!(Instant::now() < end, "no row: {query}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends the server at once, as a crash does (SIGQUIT), and waits for its end. Its files are kept.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            self.signal(&process, "QUIT");
            // An error means that the process has already ended.
            let _ = process.wait();
        }
    }

    /// Freezes the server: connections are accepted by the kernel and never served.
    pub fn stall(&self) {
        if let Some(process) = &self.process {
            self.signal(process, "STOP");
        }
    }

    /// Continues the server after [`PostgresServer::stall`].
    pub fn unstall(&self) {
        if let Some(process) = &self.process {
            self.signal(process, "CONT");
        }
    }

    /// Starts the server again on the same port and files, and waits until it accepts connections.
    ///
    /// # Panics
    ///
    /// See [`PostgresServer::start`].
    pub fn restart(&mut self) {
        self.kill();
        let log = self.folder.path().join("log");
        let output = std::fs::File::create(&log).expect("the log can be created");
        let process = program("postgres")
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .args(["-p", &self.port.to_string(), "-F"])
            .args(["-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "unix_socket_directories="])
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("the log can be shared"))
            .stderr(output)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run `postgres` ({error}): {INSTALL}"));
        self.process = Some(process);
        let end = Instant::now() + START_TIMEOUT;
        while !self.is_ready() {
            let process = self.process.as_mut().expect("it was started");
            let ended = process.try_wait().is_ok_and(|status| status.is_some());
            assert!(
                !ended && Instant::now() < end,
                "postgres did not start:\n{}",
                std::fs::read_to_string(&log).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn is_ready(&self) -> bool {
        let port = self.port.to_string();
        let status = program("pg_isready")
            .args(["-q", "-h", "127.0.0.1", "-p", &port])
            .status();
        status.is_ok_and(|status| status.success())
    }

    fn signal(&self, process: &Child, name: &str) {
        let id = process.id().to_string();
        let _ = Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", name, &id])
            .status();
    }
}

/// A `psql` in the background. Dropping it ends its session.
pub struct Session(Child);

impl Drop for Session {
    fn drop(&mut self) {
        // An error means that the process has already ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.unstall();
        self.kill();
    }
}

/// The advice for a machine without PostgreSQL.
const INSTALL: &str = "this test needs PostgreSQL 14 or later; on Debian and Ubuntu \
                       `apt-get install postgresql` installs it";

/// Returns the command of a program of PostgreSQL, as its own user if this process is root's.
fn program(name: &str) -> Command {
    let path = find(name);
    if !is_root() {
        return Command::new(path);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
        .arg(path)
        .current_dir("/");
    command
}

/// Returns the path of the newest version on Debian, and otherwise the name, for the `PATH`.
fn find(name: &str) -> PathBuf {
    let versions = std::fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            let number = entry.file_name().to_str()?.parse().ok()?;
            let path = entry.path().join("bin").join(name);
            path.is_file().then_some((number, path))
        })
        .collect();
    versions.sort();
    match versions.pop() {
        Some((_, path)) => path,
        None => Path::new(name).to_owned(),
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn run(command: &mut Command) {
    let output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("cannot run {command:?} ({error}): {INSTALL}"));
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Returns a port that was free a moment ago. If another process takes it in the meantime, the test
/// fails with the log of the server.
fn free_port() -> u16 {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    socket
        .local_addr()
        .expect("a bound socket has an address")
        .port()
}
