//! The lock that gives a file to one process.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::open_error::OpenError;

/// The lock of a file, held until it is dropped or the process ends in any way.
///
/// The lock is on a separate file: closing a second descriptor of the database itself would release
/// SQLite's own POSIX locks.
pub(super) struct Lock(#[expect(dead_code, reason = "held, not used")] File);

impl Lock {
    /// Acquires the lock.
    ///
    /// # Errors
    ///
    /// [`OpenError::InUse`] if another process, or another store of this one, has it.
    pub fn take(database: &Path) -> Result<Self, OpenError> {
        let path = beside(database);
        let unwritable = |source| OpenError::unwritable(database, source);
        let mut file = private().read(true).open(&path).map_err(unwritable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(database, &mut file)),
            Err(TryLockError::Error(source)) => return Err(unwritable(source)),
        }
        sign(&mut file).map_err(unwritable)?;
        Ok(Self(file))
    }
}

/// Returns options for files that only their owner may read, because the database holds secrets.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    options
}

/// Removes the permissions of group and others from an existing file. It may be older than this
/// program, or restored from a backup.
pub(super) fn restrict(path: &Path) {
    let Ok(metadata) = path.metadata() else {
        return;
    };
    if metadata.permissions().mode() & 0o077 == 0 {
        return;
    }
    let private = Permissions::from_mode(0o600);
    if let Err(error) = std::fs::set_permissions(path, private) {
        let path = path.display();
        tracing::warn!(%path, %error, "other users can read the store, and its mode cannot be changed");
    }
}

fn beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-lock");
    name.into()
}

/// Writes the process id, for the error message of a process that finds the file locked.
fn sign(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn in_use(database: &Path, file: &mut File) -> OpenError {
    let mut text = String::new();
    // Only for the message: the holder may be writing its id at this moment.
    let _ = file.take(20).read_to_string(&mut text);
    OpenError::InUse {
        file: database.into(),
        pid: text.trim().parse().ok(),
    }
}
