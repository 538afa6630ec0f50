//! An app as a real process: started, called, looked into, stopped.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::output::Output;
use crate::{Runtime, within_patience};

/// How an app is to be started.
///
/// It has a temporary folder, which goes away with the last of its clones and of the apps it
/// started. Its stores and logs are there, empty at first: started a second time, it finds what
/// the first left.
#[derive(Clone)]
pub struct App {
    manifest: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(String, String)>,
    folder: Arc<TempDir>,
}

impl App {
    /// The app of a manifest, or of the folder that has one.
    pub fn from(manifest: impl Into<PathBuf>) -> Self {
        Self {
            manifest: manifest.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            folder: Arc::new(TempDir::new().expect("a temporary folder can be made")),
        }
    }

    /// An app whose manifest is this text.
    pub fn of_text(manifest: &str) -> Self {
        let mut app = Self::from("");
        app.manifest = app.file("spin.toml", manifest);
        app
    }

    /// Puts a file beside the stores and logs, and gives its path.
    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).expect("the temporary folder can be written to");
        path
    }

    /// Adds options behind `up --from … --listen … --state-dir …`.
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Adds an environment variable of the runtime's own process.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The folder of its stores and logs.
    pub fn state_dir(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Starts it on a free port of the loopback address, and waits until it serves.
    ///
    /// # Panics
    /// When it ends instead, with what it wrote.
    pub async fn start(&self, runtime: &Runtime) -> Running {
        self.start_on(runtime, "127.0.0.1:0").await
    }

    /// [`App::start`] with an address to listen on.
    ///
    /// # Panics
    /// As [`App::start`] does.
    pub async fn start_on(&self, runtime: &Runtime, address: &str) -> Running {
        match self.launch(runtime, address).serving().await {
            Ok(running) => running,
            Err(ended) => panic!("{} did not serve:\n{}", runtime.name(), ended.transcript()),
        }
    }

    /// Starts it where it is expected to refuse, and waits for its end.
    ///
    /// # Panics
    /// When it serves.
    pub async fn refuse(&self, runtime: &Runtime) -> Ended {
        self.refuse_on(runtime, "127.0.0.1:0").await
    }

    /// [`App::refuse`] with an address to listen on.
    pub async fn refuse_on(&self, runtime: &Runtime, address: &str) -> Ended {
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
            _folder: self.folder.clone(),
        }
    }
}

/// Ends the process with the test, whatever becomes of the test.
struct Guarded {
    child: Child,
    end: &'static str,
}

impl Guarded {
    fn signal(&self, name: &str) {
        let Some(id) = self.child.id() else { return };
        let status = std::process::Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", name, &id.to_string()])
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "cannot signal {id}"
        );
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
        let status = within_patience(exit, || "the end of the process".to_owned()).await;
        Ended {
            status: status.expect("a process that was started can be waited for"),
            stdout: self.stdout.finish().await,
            stderr: self.stderr.finish().await,
        }
    }
}

/// The address in the line `Serving http://…`, once the line is whole.
fn announced(stdout: &str) -> Option<SocketAddr> {
    let lines = stdout
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    let mut urls = lines.filter_map(|line| line.trim_end().strip_prefix("Serving http://"));
    urls.next()?.parse().ok()
}

/// An app that serves. Dropping it ends it.
pub struct Running {
    process: Process,
    address: SocketAddr,
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a path (and query), which starts with `/`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What a component has printed to its standard output, from the log file.
    pub fn log(&self, component: &str) -> String {
        self.log_file(component, "stdout")
    }

    /// What a component has printed to its standard error, from the log file.
    pub fn error_log(&self, component: &str) -> String {
        self.log_file(component, "stderr")
    }

    fn log_file(&self, component: &str, stream: &str) -> String {
        let path = self.process.logs.join(format!("{component}_{stream}.txt"));
        std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("cannot read `{}`: {error}", path.display()))
    }

    /// What the runtime has written to its standard output so far.
    pub fn stdout(&self) -> String {
        self.process.stdout.text()
    }

    /// What the runtime has written to its standard error so far.
    pub fn stderr(&self) -> String {
        self.process.stderr.text()
    }

    /// Waits until the runtime's standard error holds `text`.
    ///
    /// # Panics
    /// When the stream ends without it.
    pub async fn stderr_has(&self, text: &str) {
        let found = |so_far: &str| so_far.contains(text).then_some(());
        let found = self.process.stderr.wait_for(found).await;
        assert!(found.is_some(), "no `{text}` in:\n{}", self.stderr());
    }

    /// Has [`Running::peak_memory`] count from now on, without what the start took.
    ///
    /// # Panics
    /// On anything but Linux.
    pub fn forget_peak_memory(&self) {
        std::fs::write(self.proc_file("clear_refs"), "5").expect("Linux counts memory");
    }

    /// The most memory that its process has had since [`Running::forget_peak_memory`], in bytes.
    ///
    /// # Panics
    /// On anything but Linux.
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

    /// Asks it to stop, as an operator would: with SIGTERM.
    pub fn terminate(&self) {
        self.process.child.signal("TERM");
    }

    /// Asks it to stop as Ctrl-C does: with SIGINT.
    pub fn interrupt(&self) {
        self.process.child.signal("INT");
    }

    /// Waits for its end.
    pub async fn ended(self) -> Ended {
        self.process.end().await
    }

    /// Asks it to stop and waits until it has.
    pub async fn stop(self) -> Ended {
        self.terminate();
        self.ended().await
    }
}

/// What is left of a process that has ended.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// All it wrote to its standard output.
    pub stdout: String,
    /// All it wrote to its standard error.
    pub stderr: String,
}

impl Ended {
    /// Both streams and the status, for the message of an assertion.
    pub fn transcript(&self) -> String {
        let Self {
            status,
            stdout,
            stderr,
        } = self;
        format!("{status}\n--- stdout\n{stdout}--- stderr\n{stderr}")
    }
}
