//! The receiver in Go of `docs/SIGNATURES.md`, with `go run`.

use std::process::Command;

use crate::process::Process;

const JUDGE: &str = include_str!("../go/judge.go");

/// Whether the command is there.
pub fn is_here() -> bool {
    let version = Command::new("go").arg("version").output();
    version.is_ok_and(|output| output.status.success())
}

/// Compiles the receiver and runs it.
pub fn start(receiver: &str) -> Result<Process, String> {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let write = |name: &str, code: &str| {
        std::fs::write(folder.path().join(name), code)
            .expect("the temporary folder can be written to");
    };
    write("judge.go", JUDGE);
    write("receiver.go", &format!("package main\n\n{receiver}"));
    let mut command = Command::new("go");
    command.args(["run", "judge.go", "receiver.go"]);
    // By the time it has said which judges it has, it is compiled and needs the folder no more.
    Process::start("go/judge.go", command.current_dir(folder.path()))
}
