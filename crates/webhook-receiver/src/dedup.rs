//! Deduplication by `webhook-id`: each event is processed once, even if it is sent repeatedly.
//!
//! An id is claimed before its event is processed. The claim is one SQLite statement that either
//! changes a row or does not, so that of concurrent requests exactly one gets it. A processed id is
//! remembered for the retry horizon, and at least for as long as its signature is fresh. A failed one
//! is released at once, so that the sender's retry is processed. A claim whose holder dies ends after
//! [`LEASE`].
//!
//! This needs SQLite rather than the key-value store: the compare-and-swap of Spin's key-value store
//! does not notice that a key was created after it was found absent, neither on SQLite nor on Redis,
//! and its counters, which are atomic, cannot hold an expiry.

use crate::{Database, PlatformError, Settings, Value};

/// The duration of a claim in seconds. Processing must take less, or a second request may be
/// processed concurrently.
pub const LEASE: u64 = 300;

/// The `Retry-After` for an event that another request is processing, in seconds.
pub const RETRY_AFTER: u64 = 5;

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

/// The result of a claim.
pub(crate) enum Claim {
    /// This request may process the id.
    Granted(Lease),
    /// The id was processed.
    Done,
    /// Another request is processing the id.
    InProgress,
}

/// A granted claim, to be completed or released.
pub(crate) struct Lease {
    id: String,
    until: u64,
}

/// Claims `id` at `now`.
pub(crate) fn claim(
    database: &impl Database,
    settings: &Settings,
    id: &str,
    now: u64,
) -> Result<Claim, PlatformError> {
    // The setting only affects speed, so a failure is ignored.
    let _ = database.execute(RELAX, &[]);
    let until = now.saturating_add(LEASE);
    let parameters = [text(id), number(until), number(now)];
    let claimed = match database.execute(CLAIM, &parameters) {
        Ok(rows) => rows,
        Err(_) => {
            // The very first claim finds no table. If something else is wrong, the second attempt
            // fails as well.
            create(database)?;
            database.execute(CLAIM, &parameters)?
        }
    };
    let Some(seq) = first_integer(claimed) else {
        return found(database, id);
    };
    if seq.unsigned_abs() % PRUNE_EVERY.min(settings.seen_ids_max) == 0 {
        let parameters = [number(now), number(settings.seen_ids_max)];
        // A failure must not lose the claim, which would block the id. The next pruning catches up.
        let _ = database.execute(PRUNE, &parameters);
    }
    let id = id.to_owned();
    Ok(Claim::Granted(Lease { id, until }))
}

fn found(database: &impl Database, id: &str) -> Result<Claim, PlatformError> {
    let done = first_integer(database.execute(FIND, &[text(id)])?);
    Ok(match done {
        Some(1) => Claim::Done,
        // If the row is gone, it was just released, and a later attempt will be granted.
        _ => Claim::InProgress,
    })
}

fn create(database: &impl Database) -> Result<(), PlatformError> {
    let [journal, tables @ ..] = CREATE;
    let _ = database.execute(journal, &[]);
    tables
        .iter()
        .try_for_each(|statement| database.execute(statement, &[]).map(drop))
}

impl Lease {
    /// Remembers the id as processed, up to and including the second `until`.
    pub(crate) fn complete(
        self,
        database: &impl Database,
        until: u64,
    ) -> Result<(), PlatformError> {
        let parameters = [text(&self.id), number(until)];
        database.execute(COMPLETE, &parameters).map(drop)
    }

    /// Deletes the id, so that it can be claimed again.
    pub(crate) fn release(self, database: &impl Database) -> Result<(), PlatformError> {
        let parameters = [text(&self.id), number(self.until)];
        database.execute(RELEASE, &parameters).map(drop)
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
