//! Sender processes.

use std::fs::File;
use std::io::PipeReader;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::names::Names;

/// The time limit for a start.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The settings with which senders are started.
#[derive(Clone)]
pub struct Launch {
    pub program: PathBuf,
    /// The folder of configurations, logs and the SQLite file.
    pub folder: PathBuf,
    pub log: Log,
    /// The limit for the data of the process in bytes (RLIMIT_DATA).
    pub memory: Option<u64>,
    /// A private resolver.
    pub names: Option<Names>,
    pub environment: Vec<(&'static str, PathBuf)>,
}

/// The destination of standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Log {
    #[default]
    File,
    /// A full disk.
    Full,
    /// A pipe without a reader.
    Pipe,
}

/// A sender process. Dropping it kills the process.
pub struct Sender {
    pub name: String,
    /// The URL of its API, once it listens.
    pub api: String,
    child: Child,
    stdout: BufReader<ChildStdout>,
    log: Option<PipeReader>,
    begun: Instant,
}

/// The end of a process.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub took: Duration,
}

impl Launch {
    /// Starts a sender on the configuration `name`.toml, and waits until its API listens.
    pub async fn start(&self, name: &str) -> Result<Sender> {
        let mut sender = self.spawn(name)?;
        match sender.listening(TIMEOUT).await {
            Ok(true) => Ok(sender),
            Ok(false) => bail!("sender `{name}` is not listening after {TIMEOUT:?}"),
            Err(error) => Err(error.context(self.log_end(name))),
        }
    }

    /// Starts a sender without waiting for it.
    pub fn spawn(&self, name: &str) -> Result<Sender> {
        let (errors, log) = self.errors(name)?;
        let mut command = self.command(name);
        command
            .current_dir(&self.folder)
            .envs(self.environment.iter().map(|(key, value)| (key, value)))
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .kill_on_drop(true);
        let begun = Instant::now();
        let mut child = command.spawn().context("cannot start the sender")?;
        let stdout = child.stdout.take().context("the sender has no output")?;
        Ok(Sender {
            name: name.to_owned(),
            api: String::new(),
            child,
            stdout: BufReader::new(stdout),
            log,
            begun,
        })
    }

    /// Returns the last lines of the log of a sender.
    pub fn log_end(&self, name: &str) -> String {
        let log = std::fs::read_to_string(self.log(name)).unwrap_or_default();
        let lines: Vec<_> = log.lines().rev().take(5).collect();
        let lines: Vec<_> = lines.into_iter().rev().collect();
        format!("sender `{name}` logged:\n{}", lines.join("\n"))
    }

    fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    fn errors(&self, name: &str) -> Result<(Stdio, Option<PipeReader>)> {
        let open = |path: &Path| File::options().create(true).append(true).open(path);
        Ok(match self.log {
            Log::File => (open(&self.log(name))?.into(), None),
            Log::Full => (File::options().write(true).open("/dev/full")?.into(), None),
            Log::Pipe => {
                let (reader, writer) = std::io::pipe()?;
                (writer.into(), Some(reader))
            }
        })
    }

    fn command(&self, name: &str) -> Command {
        let mut words: Vec<String> = Vec::new();
        if let Some(names) = &self.names {
            words.extend(names.wrapper());
        }
        if let Some(bytes) = self.memory {
            words.extend(["prlimit".into(), format!("--data={bytes}")]);
        }
        words.push(self.program.display().to_string());
        let config = format!("{name}.toml");
        words.extend(["run", "--config", &config].map(str::to_owned));
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        command
    }
}

impl Sender {
    /// Waits until its API listens. Returns `false` after `limit`.
    pub async fn listening(&mut self, limit: Duration) -> Result<bool> {
        let mut line = String::new();
        let Ok(read) = timeout(limit, self.stdout.read_line(&mut line)).await else {
            return Ok(false);
        };
        read.context("cannot read the output of the sender")?;
        match line.trim().strip_prefix("listening on ") {
            Some(api) => self.api = api.to_owned(),
            None => bail!("sender `{}` did not start: {line:?}", self.name),
        }
        Ok(true)
    }

    pub fn pid(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.child.id()?).ok()?)
    }

    /// Returns the time since the start.
    pub fn age(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Returns the status of a process that has ended by itself.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self.pid().context("the sender has ended")?;
        kill_process(pid, signal).context("the sender cannot be signalled")
    }

    /// Sends a signal and waits for the end, at most `limit`.
    pub async fn end(&mut self, signal: Signal, limit: Duration) -> Result<Ended> {
        self.signal(signal)?;
        self.wait(limit).await
    }

    /// Waits for the end. Kills the process after `limit`.
    pub async fn wait(&mut self, limit: Duration) -> Result<Ended> {
        let start = Instant::now();
        let Ok(status) = timeout(limit, self.child.wait()).await else {
            self.child.kill().await?;
            bail!("sender `{}` has not ended after {limit:?}", self.name);
        };
        Ok(Ended {
            status: status?,
            took: start.elapsed(),
        })
    }

    /// Kills the process with SIGKILL.
    pub async fn kill(&mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Closes the reading end of its log.
    pub fn close_log(&mut self) {
        self.log = None;
    }
}
