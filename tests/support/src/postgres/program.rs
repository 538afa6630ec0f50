//! The programs of PostgreSQL, run as a user that they accept.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;

use tempfile::TempDir;

/// The user and group `nobody`.
const NOBODY: u32 = 65534;

/// The programs that the tests run.
const NEEDED: [&str; 6] = [
    "initdb",
    "pg_basebackup",
    "pg_ctl",
    "pg_isready",
    "postgres",
    "psql",
];

/// The folder of the programs. Debian does not put them on the path.
static PROGRAMS: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut versions: Vec<PathBuf> = debian
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    // The newest first, by number.
    let version =
        |path: &PathBuf| -> Option<u32> { path.parent()?.file_name()?.to_str()?.parse().ok() };
    versions.sort_by_key(|path| std::cmp::Reverse(version(path)));
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(versions)
        .find(|folder| NEEDED.iter().all(|name| folder.join(name).is_file()))
});

/// Returns whether the programs are installed.
pub fn is_installed() -> bool {
    PROGRAMS.is_some()
}

/// True if this process is root.
static IS_ROOT: LazyLock<bool> = LazyLock::new(|| {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let metadata = fs::metadata(folder.path()).expect("it exists");
    metadata.uid() == 0
});

/// Returns a command of PostgreSQL's program of that name.
pub(super) fn command(program: &str) -> Command {
    let folder = PROGRAMS.as_ref().unwrap_or_else(|| {
        panic!(
            "the programs of PostgreSQL are not found: this test needs PostgreSQL 14 or later; \
             `make setup-postgres` installs it"
        )
    });
    let mut command = Command::new(folder.join(program));
    as_user(&mut command);
    command
}

/// Lets a command run as a user that is not root.
pub(super) fn as_user(command: &mut Command) {
    command.current_dir("/").env("LC_ALL", "C");
    if *IS_ROOT {
        command.uid(NOBODY).gid(NOBODY);
    }
}

/// Makes a temporary folder that those programs can write.
pub(super) fn make_folder() -> TempDir {
    make_folder_in(&std::env::temp_dir())
}

/// Makes such a folder in another one.
pub(super) fn make_folder_in(parent: &Path) -> TempDir {
    let folder = TempDir::new_in(parent).expect("a temporary folder can be made");
    if *IS_ROOT {
        chown(folder.path(), Some(NOBODY), Some(NOBODY)).expect("root can change an owner");
    }
    folder
}

/// Writes a file that only those programs can read.
pub(super) fn write_private(path: &Path, content: &str) {
    fs::write(path, content).expect("the folder can be written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("it is our file");
    if *IS_ROOT {
        chown(path, Some(NOBODY), Some(NOBODY)).expect("root can change an owner");
    }
}

/// Runs a command to its end. Returns its output.
pub(super) fn run(command: &mut Command) -> String {
    let output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{command:?} ended with {}:\n{}",
        output.status,
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// Kills a server and waits for its end. Its children would serve their clients for a moment more.
pub(super) fn end(mut process: Child) {
    // An error means that the process has already ended.
    let _ = signal(process.id(), "KILL");
    let _ = process.kill();
    process
        .wait()
        .expect("a process that was started can be waited for");
}

/// Sends a signal to a process and its children.
pub(super) fn signal_tree(pid: u32, name: &str) {
    let status = signal(pid, name);
    assert!(
        status.is_ok_and(|status| status.success()),
        "cannot signal {pid}"
    );
}

fn signal(pid: u32, name: &str) -> std::io::Result<ExitStatus> {
    // A child may end meanwhile.
    let script = r#"children=$(cat "/proc/$1/task/$1/children")
        kill -s "$0" "$1" || exit
        for child in $children; do kill -s "$0" "$child" 2>/dev/null || true; done"#;
    let mut kill = Command::new("sh");
    kill.args(["-c", script, name, &pid.to_string()])
        .stderr(Stdio::null());
    kill.status()
}
