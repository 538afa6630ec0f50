//! Erases the payload of an event: its data, the rendered bodies of its deliveries, and the requests and
//! responses of their attempts, because a response may contain what it responds to.
//!
//! The rows of the deliveries are locked before the attempts are read: an outcome that is recorded
//! before is seen, and one that is recorded afterwards sees that its delivery was erased.

use tokio_postgres::Row;
use uuid::Uuid;
use webhook_model::{EventId, Millis, TenantId};

use super::PostgresStore;
use super::fault::FaultResult;
use super::ordering::EndedGroups;
use super::outcome_counts::DeadCounts;
use super::rejected;
use super::row::{column, state};
use super::session::{Params, Session, query};
use super::store::call;
use crate::erasure::{ERASED, erase_rejected};
use crate::{Erased, Result};

/// Locks the tenant against plans, and changes of its ordering groups.
const LOCK: &str = "SELECT FROM tenants WHERE id = $1 FOR NO KEY UPDATE";

const FIND: &str = "SELECT e.key FROM tenants t JOIN events e ON e.tenant = t.key AND e.id = $2
    WHERE t.id = $1 FOR UPDATE OF e";

const ERASE_EVENT: &str = "UPDATE events SET data = '' WHERE key = $1";

/// Ends the waiting of an accepted event: it is planned, without deliveries.
const WITHDRAW: &str = "WITH accepted AS (DELETE FROM accepted WHERE event = $1 RETURNING event)
    INSERT INTO bare_events (event, since)
    SELECT e.key, e.kept_at FROM accepted a JOIN events e ON e.key = a.event
    ON CONFLICT (event) DO NOTHING";

/// The reason of a dead delivery without an attempt comes from its filter or transform, and may quote
/// data.
const ERASE_DELIVERIES: &str = "WITH stored AS MATERIALIZED (
        SELECT event, endpoint, state FROM deliveries WHERE event = $1 ORDER BY endpoint FOR UPDATE
    )
    UPDATE deliveries d SET erased = true,
        state = CASE WHEN s.state < 2 THEN 4 ELSE s.state END,
        at = CASE WHEN s.state < 2 THEN $2 ELSE d.at END,
        reason = CASE WHEN s.state < 2 OR (s.state = 4 AND d.attempts = 0) THEN $3
            ELSE d.reason END
    FROM stored s WHERE d.event = s.event AND d.endpoint = s.endpoint
    RETURNING s.state, d.tenant, d.endpoint, d.ordering_group";

const ERASE_BODIES: &str = "DELETE FROM bodies WHERE event = $1";

const ERASE_ATTEMPTS: &str =
    "UPDATE attempts SET exchange = NULL, response = NULL WHERE event = $1";

const REWRITE_REJECTED: &str =
    "UPDATE rejected SET fields = $2::text::json, reason = $3 WHERE id = $1";

impl PostgresStore {
    /// Erases an event, or the rejected event with this id; `None` if the tenant has neither.
    pub(super) async fn erase_by_id(
        &self,
        tenant: &TenantId,
        id: &str,
        now: Millis,
    ) -> Result<Option<Erased>> {
        if let Ok(id) = EventId::parse(id) {
            let erased = call!(self, session => erase(&session, tenant, &id, now).await)?;
            if erased.is_some() {
                // The next deliveries of ordering groups may be due.
                self.listener.announce();
                return Ok(erased);
            }
        }
        call!(self, session => erase_rejected_of(&session, tenant, id).await)
    }
}

async fn erase(
    session: &Session,
    tenant: &TenantId,
    id: &EventId,
    now: Millis,
) -> FaultResult<Option<Erased>> {
    let tenant = tenant.as_str();
    let (lock, find): (Params<'_>, Params<'_>) = (&[&tenant], &[&tenant, &id.as_str()]);
    let mut found = session
        .begin(&[query(LOCK, lock), query(FIND, find)])
        .await?;
    let found = found.pop().unwrap_or_default();
    let Some(event) = found.first().map(|row| column::<i64>(row, 0)).transpose()? else {
        session.roll_back().await?;
        return Ok(None);
    };
    let (at, reason) = (now.as_i64(), ERASED.as_bytes());
    let stored = session
        .rows(ERASE_DELIVERIES, &[&event, &at, &reason])
        .await?;
    let (mut erased, mut ended) = (Erased::default(), EndedGroups::default());
    let mut counts = DeadCounts::default();
    for row in &stored {
        let (state, tenant, endpoint, group) = delivery(row)?;
        // The outcome of a delivery in flight counts it.
        if state < state::IN_FLIGHT {
            counts.add(endpoint, tenant);
        }
        erased.deliveries += u64::from(state <= state::IN_FLIGHT);
        if let (state::DUE, Some(group)) = (state, group) {
            ended.add(tenant, (endpoint, group));
        }
    }
    let event: Params<'_> = &[&event];
    let rest = [
        query(ERASE_EVENT, event),
        query(WITHDRAW, event),
        query(ERASE_BODIES, event),
        query(ERASE_ATTEMPTS, event),
    ];
    ended.commit(session, &rest, counts, now).await?;
    Ok(Some(erased))
}

/// Returns the former state of a delivery, its tenant, endpoint and ordering group.
fn delivery(row: &Row) -> FaultResult<(i16, i32, i32, Option<Uuid>)> {
    Ok((
        column(row, 0)?,
        column(row, 1)?,
        column(row, 2)?,
        column(row, 3)?,
    ))
}

async fn erase_rejected_of(
    session: &Session,
    tenant: &TenantId,
    id: &str,
) -> FaultResult<Option<Erased>> {
    let Some(mut found) = rejected::find(session, tenant, id).await? else {
        return Ok(None);
    };
    erase_rejected(&mut found);
    let fields = serde_json::to_string(&found.fields)?;
    let values: Params<'_> = &[&id.as_bytes(), &fields, &found.reason.as_bytes()];
    session.rows(REWRITE_REJECTED, values).await?;
    Ok(Some(Erased::default()))
}
