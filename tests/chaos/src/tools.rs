//! What cells need of the machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Something that a cell cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// `/proc`, `/dev/full` and `prlimit`.
    Linux,
    /// A clock that can be set for one process.
    Faketime,
    /// The right to mount a file system.
    Mount,
    Redis,
}

impl Tool {
    /// Why the tool is missing; `None` if it is not.
    pub fn missing(self) -> Option<String> {
        let (there, missing) = match self {
            Self::Linux => (
                Path::new("/dev/full").exists() && runs("prlimit", &["--version"]),
                "Linux with `prlimit` (Debian: util-linux)",
            ),
            Self::Faketime => (
                faketime().is_some(),
                "libfaketime (Debian: apt-get install faketime)",
            ),
            Self::Mount => (
                runs("unshare", &["--mount", "true"]),
                "the right to mount file systems (root)",
            ),
            Self::Redis => (
                runs("redis-server", &["--version"]),
                "redis-server (Debian: apt-get install redis-server)",
            ),
        };
        (!there).then(|| missing.to_owned())
    }
}

/// The library that sets the clock of a process.
pub fn faketime() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?;
    folders
        .filter_map(|folder| Some(folder.ok()?.path().join("faketime/libfaketimeMT.so.1")))
        .find(|library| library.is_file())
}

fn runs(program: &str, arguments: &[&str]) -> bool {
    let status = Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}
