//! Programs that the tests start and stop, and files that they read.

// Each test binary uses only a part of it.
#![allow(dead_code)]

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;
use test_support::without_package;

/// The time limit for a program to print its address, with a margin for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Returns the folder of the workspace.
pub fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors()
        .nth(2)
        .expect("the crate is two folders below the workspace")
}

/// Reads a file of the tree.
pub fn text(path: &str) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("cannot read `{}`: {error}", path.display()))
}

/// Reads a TOML file of the tree.
pub fn toml(path: &str) -> toml::Table {
    let parsed = text(path).parse();
    parsed.unwrap_or_else(|error| panic!("`{path}`: {error}"))
}

/// Reads a YAML file of the tree.
pub fn yaml(path: &str) -> Value {
    let parsed = serde_saphyr::from_str(&text(path));
    parsed.unwrap_or_else(|error| panic!("`{path}`: {error}"))
}

/// Returns the version of the workspace.
pub fn version() -> String {
    let manifest = toml("Cargo.toml");
    let version = manifest["workspace"]["package"]["version"].as_str();
    version.expect("it is a text").to_owned()
}

/// Returns a script of the tree.
pub fn script(name: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg(format!("scripts/{name}")).current_dir(root());
    without_package(&mut command);
    command
}

/// Runs a command and returns its standard output.
///
/// # Panics
///
/// The command fails. The message has its output.
pub fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"));
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{stdout}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    stdout
}

/// A program that serves. Dropping it kills it.
pub struct Server {
    child: Child,
    /// The URL on which it listens: `http://ADDRESS`.
    pub url: String,
    log: File,
}

impl Server {
    /// Starts a program and waits for the line with its address, after the prefix `announced`.
    ///
    /// # Panics
    ///
    /// The program ends instead. The message has its output.
    pub fn start(command: &mut Command, announced: &'static str) -> Self {
        Self::start_saying(command, move |line| {
            let url = line.strip_prefix(announced)?;
            Some(url.trim().to_owned())
        })
    }

    /// Starts a `redis-server` on this port, and waits until it accepts connections.
    ///
    /// # Panics
    ///
    /// See [`Server::start`].
    pub fn start_redis(command: &mut Command, port: u16) -> Self {
        Self::start_saying(command, move |line| {
            let ready = line.contains("Ready to accept connections");
            ready.then(|| format!("redis://127.0.0.1:{port}"))
        })
    }

    fn start_saying(
        command: &mut Command,
        url_in: impl Fn(&str) -> Option<String> + Send + 'static,
    ) -> Self {
        let log = tempfile::tempfile().expect("a temporary file can be made");
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.try_clone().expect("a file can be opened twice"))
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"));
        let stdout = child.stdout.take().expect("it is piped");
        let (to_found, found) = mpsc::channel();
        // The thread keeps reading, so that the program never blocks on its output.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some(url) = url_in(&line) {
                    let _ = to_found.send(url);
                }
            }
        });
        let mut server = Self {
            child,
            url: String::new(),
            log,
        };
        match found.recv_timeout(TIMEOUT) {
            Ok(url) => server.url = url,
            Err(_) => panic!("{command:?} does not serve:\n{}", server.log()),
        }
        server
    }

    /// Returns the standard error so far.
    pub fn log(&mut self) -> String {
        let mut text = String::new();
        let read = self.log.rewind();
        let read = read.and_then(|()| self.log.read_to_string(&mut text));
        read.expect("a temporary file can be read");
        text
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the status of `GET path`.
    pub fn get(&self, path: &str) -> u16 {
        let address = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address)
            .unwrap_or_else(|error| panic!("{address} does not respond: {error}"));
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").expect("it listens");
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("it responds");
        let status = response
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok());
        status.unwrap_or_else(|| panic!("not HTTP: {response}"))
    }

    /// Asks it to stop, as an operator would, with `kill` in the words before it, and waits.
    pub fn stop(mut self, before: &[String]) -> ExitStatus {
        let words = ["kill", "-TERM"].map(str::to_owned);
        let words = [before, &words, &[self.id().to_string()]].concat();
        run(Command::new(&words[0]).args(&words[1..]));
        self.child.wait().expect("it was started")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error means that the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Creates an empty folder below `target`.
pub fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("it is the tests' own");
    }
    std::fs::create_dir_all(&folder).expect("target can be written to");
    folder
}
