//! Apps as real processes.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::output::Output;
use crate::private_server::send_signal;
use crate::{Runtime, with_timeout};

/// An app with the options of its start.
///
/// Its stores and logs are in a temporary folder, which is removed with the last of its clones and
/// of the processes that it started. A second start finds the data of the first.
#[derive(Clone)]
pub struct App {
    manifest: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(String, String)>,
    folder: Arc<TempDir>,
}

impl App {
    /// Returns the app of a manifest, or of the folder of a manifest.
    pub fn from(manifest: impl Into<PathBuf>) -> Self {
        Self {
            manifest: manifest.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            folder: Arc::new(TempDir::new().expect("a temporary folder can be made")),
        }
    }

    /// Returns an app with this text as its manifest.
    pub fn of_text(manifest: &str) -> Self {
        let mut app = Self::from("");
        app.manifest = app.file("spin.toml", manifest);
        app
    }

    /// Writes a file beside the stores and logs, and returns its path.
    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).expect("the temporary folder can be written to");
        path
    }

    /// Adds options after `up --from … --listen … --state-dir …`.
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Adds an environment variable for the process of the runtime.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Returns the folder of the stores and logs.
    pub fn state_dir(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Starts the app on a free loopback port, and waits until it serves.
    ///
    /// # Panics
    ///
    /// The process ends instead. The message has its output.
    pub async fn start(&self, runtime: &Runtime) -> Running {
        self.start_on(runtime, "127.0.0.1:0").await
    }

    /// Starts the app like [`App::start`], on the given address.
    ///
    /// # Panics
    ///
    /// The process ends instead.
    pub async fn start_on(&self, runtime: &Runtime, address: &str) -> Running {
        match self.launch(runtime, address).serving().await {
            Ok(running) => running,
            Err(ended) => panic!("{} did not serve:\n{}", runtime.name(), ended.transcript()),
        }
    }

    /// Starts the app, which must fail, and waits for its end.
    ///
    /// # Panics
    ///
    /// The app serves.
    pub async fn fail_to_start(&self, runtime: &Runtime) -> Ended {
        self.fail_to_start_on(runtime, "127.0.0.1:0").await
    }

    /// Starts the app like [`App::fail_to_start`], on the given address.
    ///
    /// # Panics
    ///
    /// The app serves.
    pub async fn fail_to_start_on(&self, runtime: &Runtime, address: &str) -> Ended {
        match self.launch(runtime, address).serving().await {
            Ok(running) => panic!("{} serves at {}", runtime.name(), running.address),
            Err(ended) => ended,
        }
    }

    fn launch(&self, runtime: &Runtime, address: &str) -> Process {
        let mut command = Command::new(runtime.program());
        command
            .arg("up")
            .arg("--from")
            .arg(&self.manifest)
            .args(["--listen", address])
            .arg("--state-dir")
            .arg(self.state_dir())
            .args(&self.arguments)
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {runtime:?}: {error}"));
        Process {
            stdout: Output::collect(child.stdout.take().expect("it is piped")),
            stderr: Output::collect(child.stderr.take().expect("it is piped")),
            child: Guarded {
                child,
                end: runtime.end,
            },
            logs: self.state_dir().join("logs"),
            on_spin: runtime.is_spin(),
            _folder: self.folder.clone(),
        }
    }
}

/// A child process that ends with the test, even if the test panics.
struct Guarded {
    child: Child,
    end: &'static str,
}

impl Guarded {
    fn signal(&self, name: &str) {
        if let Some(id) = self.child.id() {
            send_signal(id, name);
        }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.signal(self.end);
        }
    }
}

struct Process {
    child: Guarded,
    stdout: Output,
    stderr: Output,
    logs: PathBuf,
    on_spin: bool,
    _folder: Arc<TempDir>,
}

impl Process {
    async fn serving(self) -> Result<Running, Ended> {
        match self.stdout.wait_for(announced).await {
            Some(address) => Ok(Running {
                process: self,
                address,
            }),
            None => Err(self.end().await),
        }
    }

    async fn end(mut self) -> Ended {
        let exit = self.child.child.wait();
        let status = with_timeout(exit, || "the end of the process".to_owned()).await;
        Ended {
            status: status.expect("a process that was started can be waited for"),
            stdout: self.stdout.finish().await,
            stderr: self.stderr.finish().await,
        }
    }
}

/// Returns the address in the line `Serving http://…`, once the line is complete.
fn announced(stdout: &str) -> Option<SocketAddr> {
    let lines = stdout
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    let mut urls = lines.filter_map(|line| line.trim_end().strip_prefix("Serving http://"));
    urls.next()?.parse().ok()
}

/// An app that serves. Dropping it ends the process.
pub struct Running {
    process: Process,
    address: SocketAddr,
}

impl Running {
    /// Returns the address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the URL of a path (and query), which must start with `/`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Returns the standard output of a component so far, from its log file.
    pub fn log(&self, component: &str) -> String {
        self.log_file(component, "stdout")
    }

    /// Returns the standard error of a component so far, from its log file.
    pub fn error_log(&self, component: &str) -> String {
        self.log_file(component, "stderr")
    }

    fn log_file(&self, component: &str, stream: &str) -> String {
        let path = self.process.logs.join(format!("{component}_{stream}.txt"));
        match std::fs::read_to_string(&path) {
            Ok(text) => text,
            // Spin creates the files of a component at its first request, `spin-local` at its start.
            Err(error) if self.process.on_spin && error.kind() == ErrorKind::NotFound => {
                String::new()
            }
            Err(error) => panic!("cannot read `{}`: {error}", path.display()),
        }
    }

    /// Returns the standard output of the runtime so far.
    pub fn stdout(&self) -> String {
        self.process.stdout.text()
    }

    /// Returns the standard error of the runtime so far.
    pub fn stderr(&self) -> String {
        self.process.stderr.text()
    }

    /// Waits until the standard error of the runtime contains `text`.
    ///
    /// # Panics
    ///
    /// The stream ends without it.
    pub async fn stderr_has(&self, text: &str) {
        let found = |so_far: &str| so_far.contains(text).then_some(());
        let found = self.process.stderr.wait_for(found).await;
        assert!(found.is_some(), "no `{text}` in:\n{}", self.stderr());
    }

    /// Resets [`Running::peak_memory`] to the current memory use.
    ///
    /// # Panics
    ///
    /// The system is not Linux.
    pub fn reset_peak_memory(&self) {
        std::fs::write(self.proc_file("clear_refs"), "5").expect("Linux counts memory");
    }

    /// Returns the peak memory of the process since [`Running::reset_peak_memory`], in bytes.
    ///
    /// # Panics
    ///
    /// The system is not Linux.
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(self.proc_file("status")).expect("Linux has it");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kibibytes.expect("a number of kibibytes") * 1024
    }

    fn proc_file(&self, name: &str) -> PathBuf {
        let id = self.process.child.child.id().expect("it runs");
        PathBuf::from(format!("/proc/{id}/{name}"))
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.process.child.signal("TERM");
    }

    /// Sends SIGINT, like Ctrl-C.
    pub fn interrupt(&self) {
        self.process.child.signal("INT");
    }

    /// Waits for the end of the process.
    pub async fn ended(self) -> Ended {
        self.process.end().await
    }

    /// Sends SIGTERM and waits for the end of the process.
    pub async fn stop(self) -> Ended {
        self.terminate();
        self.ended().await
    }
}

/// The result of a process that has ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit status.
    pub status: ExitStatus,
    /// The whole standard output.
    pub stdout: String,
    /// The whole standard error.
    pub stderr: String,
}

impl Ended {
    /// Returns the status and both streams, for the message of an assertion.
    pub fn transcript(&self) -> String {
        let Self {
            status,
            stdout,
            stderr,
        } = self;
        format!("{status}\n--- stdout\n{stdout}--- stderr\n{stderr}")
    }
}
