//! The app's own stores: keys in the key-value store, ids in SQLite.
//!
//! Ids are not in the key-value store: the compare-and-swap of Spin's key-value store does not notice
//! that a key was created after it was found absent, neither on SQLite nor on Redis, and its counters,
//! which are atomic, cannot hold an expiry.

use super::interface::{ClaimResult, Retention, Store};
use crate::{Database, KeyValue, PlatformError, Value};

/// The schema. `seq` grows with every claim, so that the oldest rows are found without counting.
/// `until` is the expiry of the row: the end of the lease, or, once `done`, of the retention.
const CREATE: [&str; 3] = [
    // Commits without waiting for the disk, with `synchronous` below. A database that is not a file
    // of the host ignores it.
    "PRAGMA journal_mode = WAL",
    "CREATE TABLE IF NOT EXISTS webhook_ids (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        until INTEGER NOT NULL,
        done INTEGER NOT NULL
    )",
    "CREATE INDEX IF NOT EXISTS webhook_ids_until ON webhook_ids (until)",
];

/// Relaxes durability: a crash of the machine may lose the last ids, and their events may then be
/// processed again, as at-least-once delivery allows. A crash of the process loses none.
const RELAX: &str = "PRAGMA synchronous = NORMAL";

/// Returns a row if the id was free or had expired.
const CLAIM: &str = "INSERT INTO webhook_ids (id, until, done) VALUES (?1, ?2, 0)
    ON CONFLICT (id) DO UPDATE SET until = excluded.until, done = 0,
        seq = (SELECT max(seq) FROM webhook_ids) + 1 WHERE until < ?3
    RETURNING seq";

const FIND: &str = "SELECT done FROM webhook_ids WHERE id = ?1";

/// Marks the id as processed, even if the claim was lost in the meantime.
const COMPLETE: &str = "INSERT INTO webhook_ids (id, until, done) VALUES (?1, ?2, 1)
    ON CONFLICT (id) DO UPDATE SET until = excluded.until, done = 1";

/// Deletes only its own claim: one that was taken over after the lease has a later expiry.
const RELEASE: &str = "DELETE FROM webhook_ids WHERE id = ?1 AND until = ?2 AND done = 0";

/// Deletes expired rows and the oldest processed ids, but no claim in progress.
const PRUNE: &str = "DELETE FROM webhook_ids
    WHERE until < ?1 OR (done = 1 AND seq <= (SELECT max(seq) FROM webhook_ids) - ?2)";

/// The number of claims between two prunings.
const PRUNE_EVERY: u64 = 64;

/// The app's own stores.
pub(super) struct Local<'a, P>(pub &'a P);

impl<P: Database> Local<'_, P> {
    fn find(&self, id: &str) -> Result<ClaimResult, PlatformError> {
        let done = first_integer(self.0.execute(FIND, &[text(id)])?);
        Ok(match done {
            Some(1) => ClaimResult::Done,
            // If the row is gone, it was just released, and a later attempt will be granted.
            _ => ClaimResult::InProgress,
        })
    }

    fn create(&self) -> Result<(), PlatformError> {
        let [journal, tables @ ..] = CREATE;
        let _ = self.0.execute(journal, &[]);
        tables
            .iter()
            .try_for_each(|statement| self.0.execute(statement, &[]).map(drop))
    }
}

impl<P: Database + KeyValue> Store for Local<'_, P> {
    fn origin(&self) -> &'static str {
        "key-value store"
    }

    fn key(&self, name: &str) -> Result<Option<Vec<u8>>, PlatformError> {
        self.0.get(name)
    }

    fn set_key(&self, name: &str, value: &[u8]) -> Result<(), PlatformError> {
        self.0.set(name, value)
    }

    fn claim(&self, id: &str, retention: Retention) -> Result<ClaimResult, PlatformError> {
        let database = self.0;
        // The setting only affects speed, so a failure is ignored.
        let _ = database.execute(RELAX, &[]);
        let parameters = [text(id), number(retention.until), number(retention.now)];
        let claimed = match database.execute(CLAIM, &parameters) {
            Ok(rows) => rows,
            Err(_) => {
                // The very first claim finds no table. If something else is wrong, the second
                // attempt fails as well.
                self.create()?;
                database.execute(CLAIM, &parameters)?
            }
        };
        let Some(seq) = first_integer(claimed) else {
            return self.find(id);
        };
        if seq.unsigned_abs() % PRUNE_EVERY.min(retention.max_ids) == 0 {
            let parameters = [number(retention.now), number(retention.max_ids)];
            // A failure must not lose the claim, which would block the id. The next pruning catches
            // up.
            let _ = database.execute(PRUNE, &parameters);
        }
        Ok(ClaimResult::Granted)
    }

    fn complete(&self, id: &str, retention: Retention) -> Result<(), PlatformError> {
        let parameters = [text(id), number(retention.until)];
        self.0.execute(COMPLETE, &parameters).map(drop)
    }

    fn release(&self, id: &str, until: u64) -> Result<(), PlatformError> {
        let parameters = [text(id), number(until)];
        self.0.execute(RELEASE, &parameters).map(drop)
    }

    fn check(&self) -> Result<(), PlatformError> {
        self.0.execute("SELECT 1", &[]).map(drop)
    }
}

fn first_integer(rows: Vec<Vec<Value>>) -> Option<i64> {
    match rows.into_iter().flatten().next() {
        Some(Value::Integer(number)) => Some(number),
        _ => None,
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn number(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}
