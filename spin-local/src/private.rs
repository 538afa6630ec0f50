//! Files and folders for this user alone: stores hold keys, and logs what guests print of them.
//!
//! A file is made with mode 0600 and a folder with 0700, and those that are there already get
//! these modes too.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::Context;

use crate::terminal;

const FILE: u32 = 0o600;
const FOLDER: u32 = 0o700;

/// The bits of a mode that are for anybody but the owner.
const OTHERS: u32 = 0o077;

/// The bit of folders that are shared by design, as `/tmp` is.
const STICKY: u32 = 0o1000;

/// Endings of the files that SQLite puts beside a database.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Makes a folder where it is missing, those above it included, and leaves it as it is where it is
/// there.
pub(crate) fn make_folder(path: &Path) -> anyhow::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(FOLDER)
        .create(path)
        .with_context(|| format!("cannot make the folder `{}`", path.display()))
}

/// Makes a folder, and closes it to others where it is there already: one that holds nothing but
/// state.
pub(crate) fn make_state_folder(path: &Path) -> anyhow::Result<()> {
    make_folder(path)?;
    restrict(path, FOLDER);
    Ok(())
}

/// Makes a database's file where it is missing, for SQLite to fill, and closes it to others with
/// what SQLite left beside it. What SQLite makes later has the mode of the database.
pub(crate) fn make_database(path: &Path) -> anyhow::Result<()> {
    append(path).with_context(|| format!("cannot open the database `{}`", path.display()))?;
    for companion in COMPANIONS {
        let mut name = path.as_os_str().to_owned();
        name.push(companion);
        restrict(Path::new(&name), FILE);
    }
    Ok(())
}

/// Opens a file to append to.
pub(crate) fn append(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(FILE)
        .open(path)?;
    restrict(path, FILE);
    Ok(file)
}

/// Takes away what others may do, where anything is there and its owner is this user. A file
/// of somebody else stays as it is, with a warning.
fn restrict(path: &Path, mode: u32) {
    let Ok(metadata) = path.metadata() else {
        return;
    };
    let given = metadata.permissions().mode();
    let is_shared = metadata.is_dir() && given & STICKY != 0;
    if given & OTHERS == 0 || is_shared || !(metadata.is_dir() || metadata.is_file()) {
        return;
    }
    if let Err(error) = std::fs::set_permissions(path, Permissions::from_mode(mode)) {
        terminal::line(format_args!(
            "warning: others can reach `{}`, and its mode cannot be changed: {error}",
            path.display()
        ));
    }
}
