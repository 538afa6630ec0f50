//! The errors of opening a file as a store.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// The reason for which a file cannot be used as a store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("`{}` is in use by another sender{}", file.display(), by(*pid))]
    InUse { file: PathBuf, pid: Option<u32> },
    #[error("`{}` is not a database", file.display())]
    NotADatabase { file: PathBuf },
    #[error("`{}` is a database of another program", file.display())]
    Foreign { file: PathBuf },
    #[error("`{}` has schema version {found} of a newer release; this one supports up to {known}", file.display())]
    Newer {
        file: PathBuf,
        found: i32,
        known: usize,
    },
    #[error("`{}` cannot be written: {source}", file.display())]
    Unwritable { file: PathBuf, source: io::Error },
    #[error("`{}`: {detail}", file.display())]
    Other { file: PathBuf, detail: String },
}

fn by(pid: Option<u32>) -> String {
    pid.map(|pid| format!(", process {pid}"))
        .unwrap_or_default()
}

impl OpenError {
    pub(super) fn unwritable(file: &Path, source: io::Error) -> Self {
        Self::Unwritable {
            file: file.into(),
            source,
        }
    }

    pub(super) fn of(file: &Path, error: &dyn std::fmt::Display) -> Self {
        Self::Other {
            file: file.into(),
            detail: error.to_string(),
        }
    }

    pub(super) fn sql(file: &Path, error: &rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { file: file.into() },
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen) => {
                Self::unwritable(file, io::Error::other(error.to_string()))
            }
            _ => Self::of(file, error),
        }
    }
}
