//! File modes: only the user who runs an app can access its state.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::probe::*;

fn mode(path: &Path) -> u32 {
    let metadata = fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    metadata.permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("the test owns the file");
}

/// Checks that `path` and every folder below it have the mode 0700, and every file 0600.
fn assert_private(path: &Path) {
    if path.is_file() {
        return assert_eq!(mode(path), 0o600, "{}", path.display());
    }
    assert_eq!(mode(path), 0o700, "{}", path.display());
    for entry in fs::read_dir(path).expect("it is a folder") {
        assert_private(&entry.expect("it can be read").path());
    }
}

#[tokio::test]
async fn new_files_are_private() {
    let app = probe();
    let running = start(&app).await;
    post(&running, "/kv/set?key=a", "kept").await;
    execute(&running, "PRAGMA journal_mode = WAL").await;
    execute(&running, "CREATE TABLE t (n)").await;
    post(&running, "/stdout", "printed").await;
    assert_private(&app.state_dir());
    assert!(app.state_dir().join("sqlite_db.db").is_file());
}

#[tokio::test]
async fn existing_files_become_private() {
    let app = probe();
    let state = app.state_dir();
    let logs = state.join("logs");
    fs::create_dir_all(&logs).expect("the state folder can be made");
    let files = [
        state.join("sqlite_db.db"),
        state.join("sqlite_db.db-wal"),
        state.join("sqlite_db.db-shm"),
        state.join("sqlite_key_value.db"),
        logs.join("probe_stdout.txt"),
    ];
    for file in &files {
        fs::write(file, "").expect("it can be written");
        set_mode(file, 0o644);
    }
    set_mode(&state, 0o755);
    set_mode(&logs, 0o755);
    let _running = start(&app).await;
    assert_private(&state);
}

#[tokio::test]
async fn a_shared_folder_keeps_its_mode() {
    let app = probe_with("sqlite_databases = [\"log\"]");
    let folder = app.state_dir().with_file_name("shared");
    fs::create_dir(&folder).expect("a folder");
    set_mode(&folder, 0o755);
    let file = folder.join("log.db");
    let config = format!("[sqlite_database.log]\ntype = \"spin\"\npath = {file:?}\n");
    let config = app.file("runtime.toml", &config);
    let app = app.args(["--runtime-config-file".into(), config.into_os_string()]);
    let _running = start(&app).await;
    assert_eq!((mode(&folder), mode(&file)), (0o755, 0o600));
}
