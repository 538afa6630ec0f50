//! The last attempts of each endpoint.

use rusqlite::{Connection, OptionalExtension};

use super::job::FaultResult;
use crate::recent_attempts::STORED;
use crate::unwritten::EndpointCounts;
use crate::{MAX_RECENT, RecentAttempt};

/// Puts new attempts of an existing endpoint in front, and drops the oldest. `substr` counts the bytes of
/// blobs, but the characters of text, which `||` returns.
const ADD: &str = "INSERT INTO recent_attempts (endpoint, attempts)
    SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM endpoints WHERE key = ?1)
    ON CONFLICT DO UPDATE SET
        attempts = substr(CAST(excluded.attempts || attempts AS BLOB), 1, ?3)";

/// Adds the last attempts of an endpoint.
pub(super) fn add(sql: &Connection, endpoint_key: i64, of: &EndpointCounts) -> FaultResult<()> {
    let newest: Vec<u8> = of.recent().flatten().collect();
    if !newest.is_empty() {
        let most = (MAX_RECENT * STORED) as i64;
        sql.prepare_cached(ADD)?
            .execute((endpoint_key, newest, most))?;
    }
    Ok(())
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
