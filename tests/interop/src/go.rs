//! The Go receiver of `docs/SIGNATURES.md`, run with `go run`.

use std::process::Command;

use crate::process::Process;

const MAIN: &str = include_str!("../go/reference.go");

/// Returns true if the command is installed.
pub fn is_installed() -> bool {
    let version = Command::new("go").arg("version").output();
    version.is_ok_and(|output| output.status.success())
}

/// Compiles the receiver and runs it.
pub fn start(receiver: &str) -> Result<Process, String> {
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    let write = |name: &str, code: &str| {
        std::fs::write(folder.path().join(name), code)
            .expect("the temporary folder can be written to");
    };
    write("reference.go", MAIN);
    write("receiver.go", &format!("package main\n\n{receiver}"));
    let mut command = Command::new("go");
    command.args(["run", "reference.go", "receiver.go"]);
    // When its first line is read, it has been compiled and no longer needs the folder.
    Process::start("go/reference.go", command.current_dir(folder.path()))
}
