//! A sender process that is measured, with its configuration and its store in a folder of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use test_support::postgres::{self, PostgresServer};
use test_support::redis::{Fsync, RedisServer};

/// The name of the configuration file.
const CONFIG: &str = "sender.toml";

/// The head of the table of the stream.
const SOURCE: &str = "[[source]]\nname = \"events\"";

/// The store of the sender.
#[derive(Clone, Copy, PartialEq)]
pub enum Store {
    Redis,
    Sqlite,
    Postgres,
}

impl Store {
    pub const ALL: [Self; 3] = [Self::Redis, Self::Sqlite, Self::Postgres];

    /// Returns the head of a table with a column for each store.
    pub fn head() -> Vec<String> {
        let names = Self::ALL.map(|store| store.name().to_owned());
        std::iter::once(String::new()).chain(names).collect()
    }

    /// Returns whether events come on a stream; otherwise they come through the API.
    pub fn has_stream(self) -> bool {
        self == Self::Redis
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Redis => "Redis",
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// The folder, the store and the stream of a measurement, in which senders are started one after
/// another.
pub struct Setting {
    /// The Redis server, with an append-only file that is synced every second.
    pub redis: Option<RedisServer>,
    /// The PostgreSQL server, with its default settings.
    pub postgres: Option<PostgresServer>,
    /// The executable of the senders.
    program: PathBuf,
    folder: TempDir,
}

pub struct Sender {
    child: Child,
    /// The address of its API.
    pub api: String,
}

impl Setting {
    pub async fn new(store: Store, tenants: &str) -> Result<Self> {
        let redis = match store {
            Store::Redis => Some(RedisServer::start(Fsync::EverySecond).await),
            Store::Sqlite | Store::Postgres => None,
        };
        let postgres = match store {
            Store::Postgres => Some(PostgresServer::start(postgres::Fsync::On).await),
            Store::Redis | Store::Sqlite => None,
        };
        let folder = TempDir::new()?;
        let (url, source) = match (&redis, &postgres) {
            (Some(redis), _) => {
                let url = redis.url();
                let source = format!("{SOURCE}\nurl = \"{url}\"");
                (url, source)
            }
            (_, Some(postgres)) => (postgres.url(), String::new()),
            (None, None) => {
                let file = folder.path().join("sender.db");
                (format!("sqlite://{}", file.display()), String::new())
            }
        };
        let config = format!(
            "[store]\nurl = \"{url}\"\n{source}\n\
             [api]\nlisten = \"127.0.0.1:0\"\n\
             [delivery]\nallow_http = true\nallow_networks = [\"127.0.0.0/8\"]\n{tenants}"
        );
        std::fs::write(folder.path().join(CONFIG), config)?;
        Ok(Self {
            redis,
            postgres,
            program: env!("CARGO_BIN_EXE_webhook-sender").into(),
            folder,
        })
    }

    /// Returns the same setting for the senders of another build. An older one, which rejects
    /// `[[source]]`, gets the table that it reads instead.
    pub fn with_program(self, program: &Path) -> Result<Self> {
        let program = program.into();
        let setting = Self { program, ..self };
        if !setting.is_valid()? {
            let file = setting.folder().join(CONFIG);
            let config = std::fs::read_to_string(&file)?;
            std::fs::write(&file, config.replace(SOURCE, "[stream]"))?;
            ensure!(
                setting.is_valid()?,
                "{config}\nis rejected by {program:?}",
                program = setting.program
            );
        }
        Ok(setting)
    }

    /// Returns whether the program accepts the configuration.
    fn is_valid(&self) -> Result<bool> {
        let checked = Command::new(&self.program)
            .args(["check", "--config", CONFIG])
            .current_dir(self.folder())
            .output()?;
        Ok(checked.status.success())
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Adds tables to the configuration.
    pub fn add(&self, more: &str) -> Result<()> {
        let file = self.folder().join(CONFIG);
        let config = std::fs::read_to_string(&file)?;
        Ok(std::fs::write(&file, format!("{config}{more}"))?)
    }

    /// Starts a sender and waits until its API responds.
    pub fn start(&self) -> Result<Sender> {
        let log = std::fs::File::create(self.folder().join("sender.log"))?;
        let mut child = Command::new(&self.program)
            .args(["run", "--config", CONFIG])
            .current_dir(self.folder())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let stdout = child.stdout.take().context("its output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let api = line.trim().strip_prefix("listening on ");
        let api = api.with_context(|| {
            let log = std::fs::read_to_string(self.folder().join("sender.log"));
            format!(
                "the sender did not start: {line}{}",
                log.unwrap_or_default()
            )
        })?;
        Ok(Sender {
            api: api.into(),
            child,
        })
    }

    /// Returns the log of the last sender.
    pub fn log(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.folder().join("sender.log"))?)
    }

    /// Returns the CPU seconds of the store's own processes, if it has any.
    pub fn store_cpu(&self) -> Result<f64> {
        if let Some(pid) = self.postgres.as_ref().and_then(PostgresServer::pid) {
            return tree_cpu(pid);
        }
        let pid = self.redis.as_ref().and_then(RedisServer::pid);
        pid.map_or(Ok(0.0), cpu)
    }
}

impl Sender {
    /// Returns the CPU seconds used so far.
    pub fn cpu(&self) -> Result<f64> {
        cpu(self.child.id())
    }

    /// Returns its peak memory in MiB.
    pub fn peak_memory(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next());
        Ok(kib.context("VmHWM")?.parse::<f64>()? / 1024.0)
    }

    /// Makes it reload its configuration.
    pub fn reload(&self) -> Result<()> {
        let sent = Command::new("kill")
            .args(["-HUP", &self.child.id().to_string()])
            .status()?;
        ensure!(sent.success(), "kill failed");
        Ok(())
    }

    /// Kills it with `kill -9`.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the user and system time of a process in seconds; Linux counts it in hundredths.
fn cpu(pid: u32) -> Result<f64> {
    cpu_fields(pid, 2)
}

/// Returns the CPU seconds of a process and its children, including those that have ended.
fn tree_cpu(pid: u32) -> Result<f64> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    let children = children
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok());
    // A child may have ended since.
    let running: f64 = children.map(|pid| cpu(pid).unwrap_or_default()).sum();
    Ok(cpu_fields(pid, 4)? + running)
}

/// Returns the sum of the first times of a process: user, system, and those of ended children.
fn cpu_fields(pid: u32, count: usize) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields = stat.rsplit_once(')').context("stat")?.1;
    let ticks: f64 = fields
        .split_whitespace()
        .skip(11)
        .take(count)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    Ok(ticks / 100.0)
}

/// A timeout for all measurements, which ends a run that does not complete.
pub const TIMEOUT: Duration = Duration::from_secs(120);
