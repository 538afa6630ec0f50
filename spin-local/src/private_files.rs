//! Files and folders that only this user can access: stores contain keys, and logs may contain them.
//!
//! Files get the mode 0600 and folders 0700, including those that already exist.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::Context;

use crate::terminal;

const FILE: u32 = 0o600;
const FOLDER: u32 = 0o700;

/// The permission bits of the group and of others.
const GROUP_AND_OTHERS: u32 = 0o077;

/// The sticky bit, which marks folders that are shared by design, such as `/tmp`.
const STICKY: u32 = 0o1000;

/// The suffixes of the files that SQLite creates beside a database.
const SQLITE_SUFFIXES: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Creates a folder and its parents. An existing folder keeps its mode.
///
/// # Errors
///
/// The folder cannot be created.
pub(crate) fn create_dir(path: &Path) -> anyhow::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(FOLDER)
        .create(path)
        .with_context(|| format!("cannot create the folder `{}`", path.display()))
}

/// Creates a folder that holds only state. An existing folder becomes private, too.
///
/// # Errors
///
/// The folder cannot be created.
pub(crate) fn create_state_dir(path: &Path) -> anyhow::Result<()> {
    create_dir(path)?;
    restrict(path, FOLDER);
    Ok(())
}

/// Creates the empty file of a database for SQLite, and makes it private together with the files
/// beside it. SQLite gives later files the mode of the database.
///
/// # Errors
///
/// The file cannot be opened.
pub(crate) fn create_database(path: &Path) -> anyhow::Result<()> {
    append(path).with_context(|| format!("cannot open the database `{}`", path.display()))?;
    for suffix in SQLITE_SUFFIXES {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        restrict(Path::new(&name), FILE);
    }
    Ok(())
}

/// Opens a private file for appending.
pub(crate) fn append(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(FILE)
        .open(path)?;
    restrict(path, FILE);
    Ok(file)
}

/// Removes the permissions of the group and of others. A file of another user keeps its mode, with a
/// warning.
fn restrict(path: &Path, mode: u32) {
    let Ok(metadata) = path.metadata() else {
        return;
    };
    let before = metadata.permissions().mode();
    let is_shared = metadata.is_dir() && before & STICKY != 0;
    if before & GROUP_AND_OTHERS == 0 || is_shared || !(metadata.is_dir() || metadata.is_file()) {
        return;
    }
    if let Err(error) = std::fs::set_permissions(path, Permissions::from_mode(mode)) {
        terminal::line(format_args!(
            "warning: other users can access `{}`, and its mode cannot be changed: {error}",
            path.display()
        ));
    }
}
