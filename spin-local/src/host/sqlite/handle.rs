//! Open database files that know whether the next guest can reuse them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use crate::host::limit::limit_sqlite_values;

/// The time for which a statement waits for those of other guests. SQLite lets none of them go first, so
/// one of many on a slow disk may wait for longer than the five seconds of rusqlite's default.
const BUSY: Duration = Duration::from_secs(20);

/// A connection that knows whether a statement may have left state on it that another guest could
/// see: a setting, a temporary table, an attached database.
pub(super) struct Handle {
    pub(super) connection: rusqlite::Connection,
    /// Set by SQLite's authorizer, which runs when a statement is prepared.
    has_state: Arc<AtomicBool>,
}

impl Handle {
    pub(super) fn open(path: &Path) -> rusqlite::Result<Self> {
        let mut connection = rusqlite::Connection::open(path)?;
        connection.busy_timeout(BUSY)?;
        limit_sqlite_values(&connection)?;
        let has_state = Arc::new(AtomicBool::new(false));
        let flag = has_state.clone();
        connection.authorizer(Some(move |context: AuthContext<'_>| {
            if leaves_state(&context.action) {
                flag.store(true, Ordering::Relaxed);
            }
            authorize(&context.action)
        }))?;
        Ok(Self {
            connection,
            has_state,
        })
    }

    pub(super) fn is_reusable(&self) -> bool {
        self.connection.is_autocommit() && !self.has_state.load(Ordering::Relaxed)
    }
}

/// Allows `ATTACH` for temporary databases only: a guest must not open other files of the host.
fn authorize(action: &AuthAction<'_>) -> Authorization {
    match action {
        AuthAction::Attach { filename } if !matches!(*filename, "" | ":memory:") => {
            Authorization::Deny
        }
        _ => Authorization::Allow,
    }
}

/// Returns `true` if the action may leave state outside the file after its statement. Actions that
/// are not known to be harmless count as leaving state. Open transactions are checked separately.
fn leaves_state(action: &AuthAction<'_>) -> bool {
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
        handle.is_reusable()
    }

    #[test]
    fn a_connection_is_reusable_after_ordinary_statements() {
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
    fn a_connection_with_state_that_another_guest_could_see_is_not_reused() {
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
