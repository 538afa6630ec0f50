//! Sender processes, and the folder that they share.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use test_support::postgres::{self, PostgresServer};
use test_support::redis::{Fsync, RedisServer};
use test_support::with_timeout;

/// The program.
pub const SENDER: &str = env!("CARGO_BIN_EXE_webhook-sender");

pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The store of a test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Store {
    /// Events come through the API.
    Sqlite,
    /// Events come from a Redis stream.
    SqliteWithStream,
    /// Events come from a stream of the same Redis.
    Redis,
    /// Events come through the API.
    Postgres,
}

/// A store, a stream if the test needs one, and a configuration.
pub struct Setting {
    pub redis: Option<RedisServer>,
    pub postgres: Option<PostgresServer>,
    folder: TempDir,
    store: String,
    stream: String,
}

/// A sender process. It is killed when it is dropped.
pub struct Sender {
    child: Child,
    /// The URL of its API.
    pub api: String,
    log: PathBuf,
}

impl Setting {
    pub async fn new(store: Store) -> Self {
        let redis = match store {
            Store::Redis | Store::SqliteWithStream => Some(RedisServer::start(Fsync::Always).await),
            Store::Sqlite | Store::Postgres => None,
        };
        let postgres = match store {
            // A kill of the process loses nothing either way.
            Store::Postgres => Some(PostgresServer::start(postgres::Fsync::Off).await),
            _ => None,
        };
        let folder = TempDir::new().expect("a temporary folder");
        let file = folder.path().join("sender.db");
        let stream = redis.as_ref().map(|redis| {
            let url = redis.url();
            format!("[[source]]\nname = \"events\"\nurl = \"{url}\"\n")
        });
        let store = match (&redis, &postgres) {
            (Some(redis), _) if store == Store::Redis => redis.url(),
            (_, Some(postgres)) => postgres.url(),
            _ => format!("sqlite://{}", file.display()),
        };
        Self {
            redis,
            postgres,
            folder,
            store,
            stream: stream.unwrap_or_default(),
        }
    }

    /// Creates a store to which no stream belongs, even if it is in a Redis.
    pub async fn without_stream(store: Store) -> Self {
        Self {
            stream: String::new(),
            ..Self::new(store).await
        }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes the configuration `name`.toml: the store, the stream and loopback, and `more`.
    pub fn configure(&self, name: &str, more: &str) -> PathBuf {
        let file = self.folder().join(format!("{name}.toml"));
        let config = format!(
            "name = \"{name}\"\n[store]\nurl = \"{}\"\n{}[api]\nlisten = \"127.0.0.1:0\"\n{more}",
            self.store, self.stream
        );
        std::fs::write(&file, config).expect("a file");
        file
    }

    /// Starts a sender on the configuration `name`.toml, and waits until its API responds.
    #[track_caller]
    pub fn start(&self, name: &str) -> Sender {
        self.start_by(name, Command::new(SENDER))
    }

    /// Starts a sender by a command, to which the sender's arguments are added.
    #[track_caller]
    pub fn start_by(&self, name: &str, mut command: Command) -> Sender {
        let errors = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.log(name));
        command.args(["run", "--config", &format!("{name}.toml")]);
        self.start_command(name, command.stderr(errors.expect("a log")))
    }

    /// Starts a sender like [`Self::start`], with its log in this file.
    #[track_caller]
    pub fn start_with_log(&self, name: &str, errors: impl Into<Stdio>) -> Sender {
        let mut command = Command::new(SENDER);
        command.args(["run", "--config", &format!("{name}.toml")]);
        self.start_command(name, command.stderr(errors))
    }

    /// Starts a sender like [`Self::start`], limited to this many bytes of memory.
    #[track_caller]
    pub fn start_within(&self, name: &str, bytes: u64) -> Sender {
        let errors = std::fs::File::create(self.log(name)).expect("a log");
        let sender = SENDER;
        let limit = format!(
            "ulimit -v {}; exec \"$0\" run --config {name}.toml",
            bytes / 1024
        );
        let mut command = Command::new("sh");
        // Each arena of the allocator would reserve 64 MiB, most of which it never uses.
        command.env("MALLOC_ARENA_MAX", "1");
        self.start_command(name, command.args(["-c", &limit, sender]).stderr(errors))
    }

    fn log(&self, name: &str) -> PathBuf {
        self.folder().join(format!("{name}.log"))
    }

    #[track_caller]
    fn start_command(&self, name: &str, command: &mut Command) -> Sender {
        let log = self.log(name);
        let mut child = command
            .current_dir(self.folder())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the sender can be started");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its output");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("its output");
        let shown = || std::fs::read_to_string(&log).unwrap_or_default();
        let Some(api) = line.trim().strip_prefix("listening on ") else {
            panic!("the sender did not start: {line}\n{}", shown());
        };
        Sender {
            child,
            api: api.to_owned(),
            log: log.clone(),
        }
    }
}

impl Sender {
    /// Kills the process with SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it can be waited for");
    }

    /// Sends SIGTERM, and returns the status of the end.
    pub fn stop(mut self) -> std::process::ExitStatus {
        self.signal("TERM");
        self.child.wait().expect("it can be waited for")
    }

    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .args([format!("-{signal}"), self.child.id().to_string()])
            .status();
        assert!(sent.expect("kill can be run").success());
    }

    /// Returns the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until its log, which is written with a delay, contains this text.
    pub async fn logged(&self, text: &str) {
        let written = async {
            while !self.log().contains(text) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        with_timeout(written, || format!("`{text}` in the log:\n{}", self.log())).await;
    }

    /// Returns the path of its log, which remains after its end.
    pub fn log_file(&self) -> PathBuf {
        self.log.clone()
    }

    /// Runs a command against it.
    pub fn command(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_webhook-sender"))
            .args(arguments)
            .env("SENDER_URL", &self.api)
            .output()
            .expect("the sender can be run")
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
