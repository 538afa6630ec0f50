//! Which process has a delivery in flight.

/// One run of one sender process.
///
/// The name stays the same over restarts and is unique among the senders of a store. The
/// incarnation is drawn anew each time, so that outcomes of the run before are told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    pub name: String,
    pub incarnation: String,
    /// Where the process runs: differs between machines and between process namespaces.
    pub host: String,
    /// Its number there.
    pub pid: u32,
}

impl Owner {
    /// This process, under `name`.
    pub fn this_process(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            incarnation: hex::encode(rand::random::<[u8; 8]>()),
            host: host(),
            pid: std::process::id(),
        }
    }

    /// Another run of the same process, after its lease was lost.
    pub fn reincarnated(&self) -> Self {
        Self {
            incarnation: hex::encode(rand::random::<[u8; 8]>()),
            ..self.clone()
        }
    }

    /// Whether the process of that number on `host` is known to be gone: it ran here, and runs no
    /// more. A process of another host never is.
    pub fn is_known_gone(&self, host: &str, pid: u32) -> bool {
        // A number equal to ours belonged to a predecessor: we are not it.
        host == self.host && (pid == self.pid || !is_running(pid))
    }
}

fn is_running(pid: u32) -> bool {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    let test = pid.map(rustix::process::test_kill_process);
    // Not permitted to signal it means that it is there.
    !matches!(test, None | Some(Err(rustix::io::Errno::SRCH)))
}

fn host() -> String {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let boot = read("/proc/sys/kernel/random/boot_id");
    let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let uname = rustix::system::uname();
    let name = uname.nodename().to_string_lossy();
    format!("{name} {} {}", boot.trim(), namespace.display())
}
