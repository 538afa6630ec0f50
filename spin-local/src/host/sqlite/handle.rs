//! An open database file, and whether the next guest may have it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;

use crate::host::limit::MAX_RESULT;

/// A connection that knows whether a statement may have left something on it that another
/// guest could see: a setting, a temporary table, an attached database.
pub(super) struct Handle {
    pub(super) connection: rusqlite::Connection,
    /// Set by SQLite's question for permission, which comes with every statement's first use.
    marked: Arc<AtomicBool>,
}

impl Handle {
    pub(super) fn open(path: &Path) -> rusqlite::Result<Self> {
        let mut connection = rusqlite::Connection::open(path)?;
        limit_values(&connection)?;
        let marked = Arc::new(AtomicBool::new(false));
        let mark = marked.clone();
        connection.authorizer(Some(move |context: AuthContext<'_>| {
            if leaves_a_mark(&context.action) {
                mark.store(true, Ordering::Relaxed);
            }
            permission(&context.action)
        }))?;
        Ok(Self { connection, marked })
    }

    pub(super) fn is_as_good_as_new(&self) -> bool {
        self.connection.is_autocommit() && !self.marked.load(Ordering::Relaxed)
    }
}

/// Bounds what SQLite builds up for a single text, blob or row, which no result could hold.
pub(in crate::host) fn limit_values(connection: &rusqlite::Connection) -> rusqlite::Result<()> {
    let most = i32::try_from(MAX_RESULT).unwrap_or(i32::MAX);
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, most)?;
    Ok(())
}

/// A guest has the file it was granted, not every file of the host: `ATTACH` reaches only
/// temporary databases.
fn permission(action: &AuthAction<'_>) -> Authorization {
    match action {
        AuthAction::Attach { filename } if !matches!(*filename, "" | ":memory:") => {
            Authorization::Deny
        }
        _ => Authorization::Allow,
    }
}

/// Whether the action may outlast its statement elsewhere than in the file. What is not known
/// to be harmless counts as leaving a mark; an open transaction is looked for by itself.
fn leaves_a_mark(action: &AuthAction<'_>) -> bool {
    match action {
        AuthAction::Function { function_name } => matches!(
            *function_name,
            "last_insert_rowid" | "changes" | "total_changes" | "load_extension"
        ),
        AuthAction::Select
        | AuthAction::Read { .. }
        | AuthAction::Insert { .. }
        | AuthAction::Update { .. }
        | AuthAction::Delete { .. }
        | AuthAction::Recursive
        | AuthAction::Transaction { .. }
        | AuthAction::Savepoint { .. }
        | AuthAction::CreateTable { .. }
        | AuthAction::CreateIndex { .. }
        | AuthAction::DropTable { .. }
        | AuthAction::DropIndex { .. }
        | AuthAction::Reindex { .. } => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(statements: &[&str]) -> bool {
        let folder = tempfile::tempdir().unwrap();
        let handle = Handle::open(&folder.path().join("test.db")).unwrap();
        for statement in statements {
            handle.connection.execute_batch(statement).unwrap();
        }
        handle.is_as_good_as_new()
    }

    #[test]
    fn ordinary_statements_leave_a_connection_as_good_as_new() {
        assert!(after(&[]));
        assert!(after(&[
            "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)",
            "CREATE INDEX i ON t (name)",
            "INSERT INTO t (name) VALUES (upper('a')), ('b')",
            "UPDATE t SET name = 'c' WHERE id = 1",
            "SELECT count(*) FROM t",
            "BEGIN; DELETE FROM t; COMMIT",
        ]));
    }

    #[test]
    fn what_another_guest_could_see_ends_a_connection_with_its_guest() {
        for statement in [
            "PRAGMA foreign_keys = ON",
            "CREATE TEMP TABLE t (id INTEGER)",
            "CREATE TEMP VIEW v AS SELECT 1",
            "ATTACH ':memory:' AS other",
            "SELECT last_insert_rowid()",
            "SELECT changes()",
            "BEGIN",
            "SAVEPOINT here",
        ] {
            assert!(!after(&[statement]), "{statement}");
        }
    }
}
