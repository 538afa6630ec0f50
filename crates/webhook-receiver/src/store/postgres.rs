//! Keys and ids in PostgreSQL; the tables are those of `migrations.postgres.sql`.
//!
//! Every operation is one statement, which PostgreSQL runs as one transaction. A transaction of several
//! statements could be left open on a pooled connection when the runtime ends a request.
//!
//! Every statement returns at least one row: Spin 4 never returns from a query without rows. What is not
//! there is the empty text, which is no key and no number.

use super::interface::{ClaimResult, Retention, Store};
use crate::{PlatformError, Postgres};

/// The codes of PostgreSQL for a missing table and a missing column (SQLSTATE), which hosts include in
/// their message.
const MISSING: [&str; 2] = ["42P01", "42703"];

const KEY: &str = "SELECT coalesce(max(value), '') FROM webhook_keys WHERE name = $1";

const SET_KEY: &str = "INSERT INTO webhook_keys (name, value) VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value RETURNING name";

/// Returns a number if the id was free or had expired. A concurrent claim is waited for, and the condition
/// is then tested on its row. `seq` grows with every claim.
const CLAIM: &str = "WITH claim AS (
    INSERT INTO webhook_ids AS held (id, until, done)
    VALUES ($1, $2::text::bigint, false)
    ON CONFLICT (id) DO UPDATE SET until = excluded.until, done = false, seq = excluded.seq
        WHERE held.until < $3::text::bigint
    RETURNING seq)
    SELECT coalesce(max(seq)::text, '') FROM claim";

const FIND: &str = "SELECT coalesce(bool_or(done)::text, '') FROM webhook_ids WHERE id = $1";

/// Marks the id as processed, even if the claim was lost in the meantime.
const COMPLETE: &str = "INSERT INTO webhook_ids (id, until, done)
    VALUES ($1, $2::text::bigint, true)
    ON CONFLICT (id) DO UPDATE SET until = excluded.until, done = true RETURNING id";

/// Deletes only its own claim: one that was taken over after the lease has a later expiry.
const RELEASE: &str = "WITH released AS (
    DELETE FROM webhook_ids WHERE id = $1 AND until = $2::text::bigint AND NOT done RETURNING id)
    SELECT count(*)::text FROM released";

/// Deletes expired rows and the oldest processed ids, but no claim in progress. Rows that another
/// pruning deletes are skipped, so that two of them cannot wait for each other.
const PRUNE: &str = "WITH pruned AS (DELETE FROM webhook_ids WHERE id IN (
    SELECT id FROM webhook_ids
    WHERE until < $1::text::bigint OR (done AND seq <= (
        SELECT seq FROM webhook_ids ORDER BY seq DESC LIMIT 1 OFFSET $2::text::bigint))
    LIMIT 10000 FOR UPDATE SKIP LOCKED) RETURNING id)
    SELECT count(*)::text FROM pruned";

/// The number of claims between two prunings.
const PRUNE_EVERY: u64 = 64;

/// Fails if a table or a column is missing.
const CHECK: &str =
    "SELECT count(*)::text FROM (SELECT name, value FROM webhook_keys LIMIT 0) AS keys,
    (SELECT id, seq, until, done FROM webhook_ids LIMIT 0) AS ids";

/// A database of a server.
pub(super) struct PostgresStore<'a, P> {
    pub platform: &'a P,
    pub address: String,
}

impl<P: Postgres> PostgresStore<'_, P> {
    fn run(&self, statement: &str, parameters: &[&str]) -> Result<Vec<Vec<String>>, PlatformError> {
        let rows = self.platform.query(&self.address, statement, parameters);
        rows.map_err(|mut error| {
            if MISSING.iter().any(|code| error.cause.contains(code)) {
                error.cause.push_str("; apply `migrations.postgres.sql`");
            }
            error
        })
    }

    /// Returns the first value of the result, unless it is the empty text.
    fn value(&self, statement: &str, parameters: &[&str]) -> Result<Option<String>, PlatformError> {
        let rows = self.run(statement, parameters)?;
        let value = rows.into_iter().flatten().next();
        Ok(value.filter(|value| !value.is_empty()))
    }
}

impl<P: Postgres> Store for PostgresStore<'_, P> {
    fn origin(&self) -> &'static str {
        "PostgreSQL"
    }

    fn key(&self, name: &str) -> Result<Option<Vec<u8>>, PlatformError> {
        Ok(self.value(KEY, &[name])?.map(String::into_bytes))
    }

    fn set_key(&self, name: &str, value: &[u8]) -> Result<(), PlatformError> {
        let value = std::str::from_utf8(value).map_err(|_| PlatformError {
            doing: "writing a key",
            cause: "it is not text".to_owned(),
        })?;
        self.run(SET_KEY, &[name, value]).map(drop)
    }

    fn claim(&self, id: &str, retention: Retention) -> Result<ClaimResult, PlatformError> {
        let (now, until) = (number(retention.now), number(retention.until));
        let Some(seq) = self.value(CLAIM, &[id, &until, &now])? else {
            return Ok(match self.value(FIND, &[id])?.as_deref() {
                Some("true") => ClaimResult::Done,
                // If the row is gone, it was just released, and a later attempt will be granted.
                _ => ClaimResult::InProgress,
            });
        };
        let is_due = |seq: u64| seq.is_multiple_of(PRUNE_EVERY.min(retention.max_ids));
        if seq.parse().is_ok_and(is_due) {
            // A failure must not lose the claim, which would block the id. The next pruning catches
            // up.
            let _ = self.run(PRUNE, &[&now, &number(retention.max_ids)]);
        }
        Ok(ClaimResult::Granted)
    }

    fn complete(&self, id: &str, retention: Retention) -> Result<(), PlatformError> {
        self.run(COMPLETE, &[id, &number(retention.until)])
            .map(drop)
    }

    fn release(&self, id: &str, until: u64) -> Result<(), PlatformError> {
        self.run(RELEASE, &[id, &number(until)]).map(drop)
    }

    fn check(&self) -> Result<(), PlatformError> {
        self.run(CHECK, &[]).map(drop)
    }
}

/// Formats a number, at most the largest of PostgreSQL.
fn number(number: u64) -> String {
    i64::try_from(number).unwrap_or(i64::MAX).to_string()
}
