//! Deletes what ended long ago, in bounded parts.

use std::sync::PoisonError;

use tokio_postgres::Row;
use webhook_model::Millis;

use super::PostgresStore;
use super::fault::FaultResult;
use super::list::read_mark;
use super::mark::Mark;
use super::prune_cursor::PruneCursor;
use super::row::{column, state};
use super::session::{Params, Session, query};
use super::store::call;
use crate::{IDEMPOTENCY, Result};

/// The maximum number of deliveries that a step reads.
const PART: i64 = 1_000;

/// The maximum number of tenants that a call goes through.
const TENANTS: usize = 256;

const NEXT_TENANT: &str = "SELECT min(key) FROM tenants WHERE key > $1 AND id IS NOT NULL";

/// No delivery ends before its creation, so that an older one cannot be behind the position.
const OLD: &str = "SELECT d.created_at, d.event, d.endpoint, d.at FROM deliveries d
    WHERE d.tenant = $1 AND d.state = $2 AND d.created_at < $3
        AND (d.created_at, d.event, d.endpoint) > ($4, $5, $6)
    ORDER BY d.created_at, d.event, d.endpoint LIMIT $7";

/// Deletes deliveries with their bodies and attempts.
const DELETE: &str =
    "DELETE FROM deliveries d USING unnest($1::bigint[], $2::int[]) n (event, endpoint)
    WHERE d.event = n.event AND d.endpoint = n.endpoint AND d.state + 0 = $3::smallint AND d.at < $4";

/// Remembers events whose last delivery was deleted, for as long as their ids must stay known.
const REMEMBER: &str = "INSERT INTO bare_events (event, since)
    SELECT e.key, e.kept_at FROM unnest($1::bigint[]) n (event) JOIN events e ON e.key = n.event
    WHERE NOT EXISTS (SELECT FROM deliveries d WHERE d.event = e.key)
    ON CONFLICT (event) DO NOTHING";

const BARE: &str = "DELETE FROM events WHERE key IN (
        SELECT event FROM bare_events WHERE since < $1 ORDER BY since LIMIT $2
    ) RETURNING 1";

/// The moments before which deliveries are deleted.
#[derive(Clone, Copy)]
struct Cutoff {
    succeeded: i64,
    dead: i64,
}

impl Cutoff {
    fn of(self, stored: i16) -> i64 {
        if stored == state::DEAD {
            self.dead
        } else {
            self.succeeded
        }
    }
}

impl PostgresStore {
    pub(super) async fn prune_ended(
        &self,
        succeeded_before: Millis,
        dead_before: Millis,
    ) -> Result<bool> {
        let cutoff = Cutoff {
            succeeded: succeeded_before.as_i64(),
            dead: dead_before.as_i64(),
        };
        let mut cursor = *self
            .prune_cursor
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let ended = self.prune_deliveries(&mut cursor, cutoff).await?;
        *self
            .prune_cursor
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = cursor;
        // Both moments are past, so an event kept this long before the later one is old enough.
        let known_from = succeeded_before
            .max(dead_before)
            .before(IDEMPOTENCY)
            .as_i64();
        let bare = call!(self, session => session.rows(BARE, &[&known_from, &PART]).await)?;
        let rejected = self.prune_rejected_before(dead_before).await?;
        let counts = self.prune_counts(succeeded_before.max(dead_before)).await?;
        Ok(!ended || bare.len() as i64 == PART || rejected || counts)
    }

    /// Deletes a part of the old deliveries. Returns whether all tenants were gone through.
    async fn prune_deliveries(&self, cursor: &mut PruneCursor, cutoff: Cutoff) -> Result<bool> {
        for _ in 0..TENANTS {
            if cursor.tenant == 0 && !self.next(cursor).await? {
                return Ok(true);
            }
            let before = cutoff.of(cursor.state);
            let at = *cursor;
            let reached = call!(self, session => prune_some(&session, at, before).await)?;
            match reached {
                Some(mark) => {
                    cursor.reached = mark;
                    return Ok(false);
                }
                None if !self.next(cursor).await? => return Ok(true),
                None => {}
            }
        }
        Ok(false)
    }

    /// Moves to the next state or tenant. Returns false, and starts again, if there is none.
    async fn next(&self, cursor: &mut PruneCursor) -> Result<bool> {
        cursor.reached = Mark::BOTTOM;
        if cursor.state == state::SUCCEEDED {
            cursor.state = state::DEAD;
            return Ok(true);
        }
        let rows = call!(self, session => session.rows(NEXT_TENANT, &[&cursor.tenant]).await)?;
        let next = rows
            .first()
            .map_or(Ok(None), |row| column::<Option<i32>>(row, 0));
        let Some(tenant) = next.map_err(|fault| self.failed(fault))? else {
            *cursor = PruneCursor::default();
            return Ok(false);
        };
        (cursor.tenant, cursor.state) = (tenant, state::SUCCEEDED);
        Ok(true)
    }
}

/// Reads deliveries from the cursor on, and deletes old ones. Returns the position that was reached;
/// `None` at the end.
async fn prune_some(
    session: &Session,
    cursor: PruneCursor,
    before: i64,
) -> FaultResult<Option<Mark>> {
    let PruneCursor {
        tenant,
        state,
        reached: Mark { at, key },
    } = cursor;
    let rows = session
        .rows(
            OLD,
            &[
                &tenant,
                &state,
                &before,
                &at,
                &key.event,
                &key.endpoint,
                &PART,
            ],
        )
        .await?;
    let ended = |row: &Row| Ok((read_mark(row)?, column::<i64>(row, 3)?));
    let ended: Vec<(Mark, i64)> = rows.iter().map(ended).collect::<FaultResult<_>>()?;
    let old: Vec<Mark> = ended
        .iter()
        .filter(|(_, at)| *at < before)
        .map(|(mark, _)| *mark)
        .collect();
    if !old.is_empty() {
        delete(session, &old, state, before).await?;
    }
    let full = ended.len() as i64 == PART;
    Ok(ended.last().filter(|_| full).map(|(mark, _)| *mark))
}

async fn delete(session: &Session, old: &[Mark], state: i16, before: i64) -> FaultResult<()> {
    let events: Vec<i64> = old.iter().map(|mark| mark.key.event).collect();
    let endpoints: Vec<i32> = old.iter().map(|mark| mark.key.endpoint).collect();
    let delete: Params<'_> = &[&events, &endpoints, &state, &before];
    let remember: Params<'_> = &[&events];
    session
        .transaction(&[query(DELETE, delete), query(REMEMBER, remember)])
        .await
        .map(drop)
}
