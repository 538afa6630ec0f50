//! Opens the file: its lock, its connections and its schema.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::lock::{Lock, private, restrict};
use super::open_error::OpenError;

/// The migrations of the schema, in order. A released one is never changed; new ones are appended.
pub(super) const MIGRATIONS: [&str; 7] = [
    include_str!("schema.sql"),
    include_str!("schema2.sql"),
    include_str!("schema3.sql"),
    include_str!("schema4.sql"),
    include_str!("schema5.sql"),
    include_str!("schema6.sql"),
    include_str!("schema7.sql"),
];

/// The `PRAGMA application_id` of a sender's database: the letters `whsd`.
const APPLICATION: i32 = i32::from_be_bytes(*b"whsd");

/// The time for which a connection waits for another program that has the file locked.
const BUSY: Duration = Duration::from_secs(5);

/// The connections of one store, and the lock on its file.
pub(super) struct Opened {
    pub lock: Lock,
    pub writer: Connection,
    pub reader: Connection,
    pub checkpointer: Connection,
}

/// Opens `file`, creates it if it does not exist, and migrates its schema.
pub(super) fn open(file: &Path) -> Result<Opened, OpenError> {
    let file = &resolved(file)?;
    let lock = Lock::take(file)?;
    drop(
        private()
            .open(file)
            .map_err(|source| OpenError::unwritable(file, source))?,
    );
    // SQLite creates the log and its index with the mode of the database.
    for suffix in ["", "-wal", "-shm", "-journal", "-lock"] {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        restrict(name.as_ref());
    }
    let sql = |error: rusqlite::Error| OpenError::sql(file, &error);
    let mut writer = connect(file, 8 << 20).map_err(sql)?;
    prepare(&mut writer, file)?;
    let reader = connect(file, 2 << 20).map_err(sql)?;
    reader
        .pragma_update(None, "query_only", true)
        .map_err(sql)?;
    let checkpointer = connect(file, 1 << 18).map_err(sql)?;
    Ok(Opened {
        lock,
        writer,
        reader,
        checkpointer,
    })
}

/// Returns the canonical path of the file, so that all paths to it share one lock.
fn resolved(file: &Path) -> Result<PathBuf, OpenError> {
    let unwritable = |source| OpenError::unwritable(file, source);
    if file.exists() {
        return file.canonicalize().map_err(unwritable);
    }
    let name = file
        .file_name()
        .ok_or_else(|| unwritable(io::ErrorKind::IsADirectory.into()))?;
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    Ok(folder.canonicalize().map_err(unwritable)?.join(name))
}

fn connect(file: &Path, cache_bytes: i32) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let sql = Connection::open_with_flags(file, flags)?;
    sql.busy_timeout(BUSY)?;
    sql.set_prepared_statement_cache_capacity(64);
    sql.pragma_update(None, "synchronous", "full")?;
    sql.pragma_update(None, "cache_size", -(cache_bytes >> 10))?;
    sql.pragma_update(None, "temp_store", "memory")?;
    Ok(sql)
}

fn prepare(sql: &mut Connection, file: &Path) -> Result<(), OpenError> {
    let error = |error: rusqlite::Error| OpenError::sql(file, &error);
    let found: i32 = pragma(sql, "user_version").map_err(error)?;
    if found == 0 {
        begin(sql, file)?;
    } else if pragma(sql, "application_id").map_err(error)? != APPLICATION {
        return Err(OpenError::Foreign { file: file.into() });
    }
    let known = MIGRATIONS.len();
    let applied = usize::try_from(found).unwrap_or(usize::MAX);
    let missing = MIGRATIONS.get(applied..).ok_or_else(|| OpenError::Newer {
        file: file.into(),
        found,
        known,
    })?;
    sql.pragma_update(None, "journal_mode", "wal")
        .map_err(error)?;
    sql.pragma_update(None, "journal_size_limit", 64 << 20)
        .map_err(error)?;
    migrate(sql, missing).map_err(error)
}

/// Applies settings that a database accepts only before its first table.
fn begin(sql: &Connection, file: &Path) -> Result<(), OpenError> {
    let error = |error: rusqlite::Error| OpenError::sql(file, &error);
    let tables: i64 = sql
        .query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))
        .map_err(error)?;
    if tables > 0 {
        return Err(OpenError::Foreign { file: file.into() });
    }
    sql.pragma_update(None, "auto_vacuum", "incremental")
        .map_err(error)
}

fn migrate(sql: &mut Connection, missing: &[&str]) -> rusqlite::Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    let tx = sql.transaction()?;
    for migration in missing {
        tx.execute_batch(migration)?;
    }
    tx.pragma_update(None, "application_id", APPLICATION)?;
    tx.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
    tx.commit()
}

fn pragma(sql: &Connection, name: &str) -> rusqlite::Result<i32> {
    sql.pragma_query_value(None, name, |row| row.get(0))
}
