//! A server process of a test: started on a free port and a folder of its own, killed, frozen and
//! restarted.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::with_timeout;

/// A process that is killed when it is dropped.
#[derive(Default)]
pub(crate) struct PrivateServer {
    process: Option<Child>,
}

impl PrivateServer {
    /// Starts the program. Its output goes to the file `log`.
    ///
    /// # Panics
    ///
    /// The program is not installed.
    pub(crate) fn spawn(&mut self, command: &mut Command, log: &Path, hint: &str) {
        let file = std::fs::File::create(log).expect("a log file");
        let errors = file.try_clone().expect("a log file");
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {command:?} ({error}): {hint}"));
        self.process = Some(child);
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Kills the process with SIGKILL and waits for its end.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // An error means that the process has already ended.
            let _ = process.kill();
            process.wait().expect("a child can be waited for");
        }
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

    /// Waits until `ready` returns `true`.
    ///
    /// # Panics
    ///
    /// The process ends, or does not become ready in time. The message has its log.
    pub(crate) async fn ready(&mut self, log: &Path, ready: impl AsyncFn() -> bool) {
        let text = || std::fs::read_to_string(log).unwrap_or_default();
        let responding = async {
            while !ready().await {
                let process = self.process.as_mut().expect("it was started");
                if let Ok(Some(status)) = process.try_wait() {
                    panic!("the server ended ({status}):\n{}", text());
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        with_timeout(responding, || format!("the server:\n{}", text())).await;
    }
}

impl Drop for PrivateServer {
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

/// Returns an address on loopback.
pub(crate) fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}
