//! Owners: the processes that have deliveries in flight.

/// One run of a sender process.
///
/// The name is unique among the senders of a store, and stays the same after a restart. The
/// incarnation is random for each run, which distinguishes outcomes of an earlier run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    pub name: String,
    pub incarnation: String,
    /// The host of the process, which differs between machines and between process namespaces.
    pub host: String,
    /// The process id on that host.
    pub pid: u32,
}

impl Owner {
    /// Returns the owner for this process, under `name`.
    pub fn this_process(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            incarnation: hex::encode(rand::random::<[u8; 8]>()),
            host: host(),
            pid: std::process::id(),
        }
    }

    /// Returns another incarnation of the same process, for a new lease after the loss of one.
    pub fn reincarnated(&self) -> Self {
        Self {
            incarnation: hex::encode(rand::random::<[u8; 8]>()),
            ..self.clone()
        }
    }

    /// Returns whether process `pid` on `host` is known to have ended: it ran on this host, and does
    /// not run any more. Of another host, no process is known to have ended.
    pub fn is_known_gone(&self, host: &str, pid: u32) -> bool {
        // The id of this process belonged to an earlier process.
        host == self.host && (pid == self.pid || !is_running(pid))
    }
}

fn is_running(pid: u32) -> bool {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    let test = pid.map(rustix::process::test_kill_process);
    // Without permission to signal it, the process exists.
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
