//! The ids that were seen, so that an event is processed once however often it is sent.
//!
//! A `webhook-id` is claimed before it is processed. The claim is one SQLite statement that changes
//! a row or does not, so of requests that race one has it and the others see that. What was
//! processed is remembered for the retry horizon, and at least for as long as its signature is
//! fresh; what failed is forgotten at once, so that the sender's retry is processed. A claim whose
//! holder is never heard of again ends by itself after [`LEASE`].
//!
//! SQLite, and not the key-value store: the swap of Spin's key-value store does not notice that a
//! key has come to be since it was found absent, neither on SQLite nor on Redis, and its counters,
//! which are atomic, have no time with them.

use crate::{Database, PlatformError, Settings, Value};

/// How long a claim is held for a request that is being processed, in seconds. Processing has to
/// take less, or a second request may be processed beside the first.
pub const LEASE: u64 = 300;

/// What `Retry-After` tells a sender whose event is being processed by another request, in seconds.
pub const RETRY_AFTER: u64 = 5;

/// `seq` grows with every claim, so that the oldest rows are found without counting. `until` is
/// when the row stops to count: the end of the lease, or, once `done`, of the memory.
const CREATE: [&str; 3] = [
    // Commits without waiting for the disk, with `synchronous` below. Where the database is
    // not a file of the host's, it does without.
    "PRAGMA journal_mode = WAL",
    "CREATE TABLE IF NOT EXISTS webhook_ids (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        until INTEGER NOT NULL,
        done INTEGER NOT NULL
    )",
    "CREATE INDEX IF NOT EXISTS webhook_ids_until ON webhook_ids (until)",
];

/// A crash of the machine may lose the last ids, and their events are then processed again if they
/// are sent again, as at-least-once has it. A crash of the process loses none.
const RELAX: &str = "PRAGMA synchronous = NORMAL";

/// Gives a row where the id was free, or its claim or memory had ended.
const CLAIM: &str = "INSERT INTO webhook_ids (id, until, done) VALUES (?1, ?2, 0)
    ON CONFLICT (id) DO UPDATE SET until = excluded.until, done = 0,
        seq = (SELECT max(seq) FROM webhook_ids) + 1 WHERE until < ?3
    RETURNING seq";

const FIND: &str = "SELECT done FROM webhook_ids WHERE id = ?1";

/// Whatever became of the claim meanwhile: it was processed.
const COMPLETE: &str = "INSERT INTO webhook_ids (id, until, done) VALUES (?1, ?2, 1)
    ON CONFLICT (id) DO UPDATE SET until = excluded.until, done = 1";

/// Only the own claim: one that was taken over after the lease has a later end.
const RELEASE: &str = "DELETE FROM webhook_ids WHERE id = ?1 AND until = ?2 AND done = 0";

/// However many there are, a claim stays while its request is being processed.
const PRUNE: &str = "DELETE FROM webhook_ids
    WHERE until < ?1 OR (done = 1 AND seq <= (SELECT max(seq) FROM webhook_ids) - ?2)";

/// How many claims there are between two prunings.
const PRUNE_EVERY: u64 = 64;

/// What there is to know of an id before it is processed.
pub(crate) enum Claim {
    /// It is this request's to process.
    Mine(Held),
    /// It was processed.
    Done,
    /// Another request is processing it.
    Taken,
}

/// A claim, to be given up or completed.
pub(crate) struct Held {
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
    // A setting of the connection, for speed alone: a database without it is as right.
    let _ = database.execute(RELAX, &[]);
    let until = now.saturating_add(LEASE);
    let parameters = [text(id), number(until), number(now)];
    let claimed = match database.execute(CLAIM, &parameters) {
        Ok(rows) => rows,
        Err(_) => {
            // The first claim of all finds no table. Where something else is wrong, the second
            // attempt says so.
            create(database)?;
            database.execute(CLAIM, &parameters)?
        }
    };
    let Some(seq) = first_integer(claimed) else {
        return found(database, id);
    };
    if seq.unsigned_abs() % PRUNE_EVERY.min(settings.seen_ids_max) == 0 {
        let parameters = [number(now), number(settings.seen_ids_max)];
        // A failure must not cost the claim, which nobody would give up. The next one prunes too.
        let _ = database.execute(PRUNE, &parameters);
    }
    let id = id.to_owned();
    Ok(Claim::Mine(Held { id, until }))
}

fn found(database: &impl Database, id: &str) -> Result<Claim, PlatformError> {
    let done = first_integer(database.execute(FIND, &[text(id)])?);
    Ok(match done {
        Some(1) => Claim::Done,
        // Gone since: it was given up, and a later attempt will have it.
        _ => Claim::Taken,
    })
}

fn create(database: &impl Database) -> Result<(), PlatformError> {
    let [journal, tables @ ..] = CREATE;
    let _ = database.execute(journal, &[]);
    tables
        .iter()
        .try_for_each(|statement| database.execute(statement, &[]).map(drop))
}

impl Held {
    /// Remembers the id as processed, up to and with the second `until`.
    pub(crate) fn complete(
        self,
        database: &impl Database,
        until: u64,
    ) -> Result<(), PlatformError> {
        let parameters = [text(&self.id), number(until)];
        database.execute(COMPLETE, &parameters).map(drop)
    }

    /// Forgets the id, so that it can be claimed again.
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
