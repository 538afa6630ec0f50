//! Requirements of cells on the machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A requirement of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// `/proc`, `/dev/full` and `prlimit`.
    Linux,
    /// A clock that can be set for one process.
    Faketime,
    /// The right to mount a file system.
    Mount,
    Redis,
    Postgres,
}

impl Tool {
    /// Returns the description of the tool if it is missing.
    pub fn missing(self) -> Option<String> {
        let (present, description) = match self {
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
            Self::Postgres => (
                test_support::postgres::is_installed(),
                "PostgreSQL 14 or later (Debian: apt-get install postgresql)",
            ),
        };
        (!present).then(|| description.to_owned())
    }
}

/// Returns the library that sets the clock of a process.
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
