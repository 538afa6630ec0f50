//! A server process of a test: started on a free port and a folder of its own, killed, frozen and
//! restarted.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::with_timeout;

/// A server process, its port and its folder. Dropping it ends the process and removes the folder.
pub(crate) struct PrivateServer {
    // Dropped first.
    process: Process,
    port: u16,
    folder: TempDir,
}

/// A process that is killed when it is dropped.
#[derive(Default)]
struct Process(Option<Child>);

impl PrivateServer {
    /// Reserves a port and a folder.
    pub(crate) fn new() -> Self {
        Self {
            process: Process::default(),
            port: free_port(),
            folder: TempDir::new().expect("a temporary folder can be made"),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn log(&self) -> PathBuf {
        self.folder().join("log")
    }

    /// Starts the program. Its output goes to the file `log` in its folder.
    ///
    /// # Panics
    ///
    /// The program is not installed.
    pub(crate) fn spawn(&mut self, command: &mut Command, hint: &str) {
        let file = std::fs::File::create(self.log()).expect("a log file");
        let errors = file.try_clone().expect("a log file");
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {command:?} ({error}): {hint}"));
        self.process = Process(Some(child));
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.process.0.as_ref().map(Child::id)
    }

    /// Kills the process with SIGKILL and waits for its end.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Sends a signal, such as `STOP`.
    ///
    /// # Panics
    ///
    /// The signal cannot be sent.
    pub(crate) fn signal(&self, name: &str) {
        if let Some(pid) = self.pid() {
            send_signal(pid, name);
        }
    }

    /// Waits until `ready` returns `true` for the address.
    ///
    /// # Panics
    ///
    /// The process ends, or does not become ready in time. The message has its log.
    pub(crate) async fn ready(&mut self, ready: impl AsyncFn(SocketAddr) -> bool) {
        let (address, log) = (self.address(), self.log());
        let text = || std::fs::read_to_string(&log).unwrap_or_default();
        let responding = async {
            while !ready(address).await {
                let process = self.process.0.as_mut().expect("it was started");
                if let Ok(Some(status)) = process.try_wait() {
                    panic!("the server ended ({status}):\n{}", text());
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        with_timeout(responding, || format!("the server:\n{}", text())).await;
    }
}

impl Process {
    fn kill(&mut self) {
        if let Some(mut process) = self.0.take() {
            // An error means that the process has already ended.
            let _ = process.kill();
            process.wait().expect("a child can be waited for");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Sends a signal, such as `STOP`, to a process.
///
/// # Panics
///
/// The signal cannot be sent.
pub(crate) fn send_signal(pid: u32, name: &str) {
    let status = Command::new("sh")
        .args(["-c", "kill -s \"$0\" \"$1\"", name, &pid.to_string()])
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "cannot signal {pid}"
    );
}

/// Returns a port that was free a moment ago. If another process takes it in the meantime, the test
/// fails with the log of the server.
pub fn free_port() -> u16 {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let address = socket.local_addr().expect("a bound socket has an address");
    address.port()
}
