//! The last attempts of each endpoint.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension};
use webhook_model::Attempt;

use super::job::FaultResult;
use crate::recent_attempts::STORED;
use crate::{MAX_RECENT, RecentAttempt};

/// Puts new attempts of an existing endpoint in front, and drops the oldest. `substr` counts the bytes of
/// blobs, but the characters of text, which `||` returns.
const ADD: &str = "INSERT INTO recent_attempts (endpoint, attempts)
    SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM endpoints WHERE key = ?1)
    ON CONFLICT DO UPDATE SET
        attempts = substr(CAST(excluded.attempts || attempts AS BLOB), 1, ?3)";

/// The attempts of one call by endpoint, in the order of their outcomes.
#[derive(Default)]
pub(super) struct NewAttempts(BTreeMap<i64, Vec<RecentAttempt>>);

impl NewAttempts {
    pub fn add(&mut self, endpoint_key: i64, attempt: &Attempt) {
        self.0.entry(endpoint_key).or_default().push(attempt.into());
    }

    pub fn write(&self, sql: &Connection) -> FaultResult<()> {
        let mut add = sql.prepare_cached(ADD)?;
        for (endpoint_key, attempts) in &self.0 {
            let newest = attempts.iter().rev().take(MAX_RECENT);
            let newest: Vec<u8> = newest.flat_map(|attempt| attempt.to_bytes()).collect();
            add.execute((endpoint_key, newest, (MAX_RECENT * STORED) as i64))?;
        }
        Ok(())
    }
}

/// Returns the last attempts of an endpoint, the newest first.
pub(super) fn read(sql: &Connection, endpoint_key: i64) -> FaultResult<Vec<RecentAttempt>> {
    let mut found =
        sql.prepare_cached("SELECT attempts FROM recent_attempts WHERE endpoint = ?1")?;
    let stored: Option<Vec<u8>> = found
        .query_row([endpoint_key], |row| row.get(0))
        .optional()?;
    Ok(RecentAttempt::read_all(&stored.unwrap_or_default()))
}
