//! The files and the settings of a server.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::program::{command, run};

pub(super) fn data(folder: &TempDir) -> PathBuf {
    folder.path().join("data")
}

/// Creates the files of a server: superuser `postgres`, without a password for local connections.
pub(super) fn initialize(data: &Path) {
    let mut initdb = command("initdb");
    initdb
        .args(["--username", "postgres", "--auth", "trust"])
        .args(["--encoding", "UTF8", "--locale", "C"])
        .args(["--no-sync", "--no-instructions", "--pgdata"])
        .arg(data);
    run(&mut initdb);
}

/// Returns the settings of every server.
pub(super) fn arguments(port: u16, folder: &Path) -> Vec<String> {
    vec![
        format!("port={port}"),
        "listen_addresses=127.0.0.1".into(),
        format!("unix_socket_directories={}", folder.display()),
        "log_min_messages=log".into(),
    ]
}

/// Returns a port that was free a moment ago. If another process takes it in the meantime, the test
/// fails with the log of the server.
pub(super) fn free_port() -> u16 {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let address = socket.local_addr();
    address.expect("a bound socket has an address").port()
}
