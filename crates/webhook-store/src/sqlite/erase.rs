//! Erases the payload of an event: its data, the rendered bodies of its deliveries, and the requests and
//! responses of their attempts, because a response may contain what it responds to.
//!
//! A delivery that is in flight is dead on the disk at once, so that no later process attempts it. Its
//! outcome is still recorded.

use rusqlite::{OptionalExtension, Row};
use webhook_model::{EventId, Millis, TenantId};

use super::job::{FaultResult, Tx};
use super::outcome_counts::DeadCounts;
use super::queue::{Effect, Key};
use super::row::{event_hash, read_delivery_id, state};
use super::{accept, attempts, complete, lookup, rejected};
use crate::Erased;
use crate::erasure::ERASED;

const DELIVERY: &str =
    "SELECT id, endpoint, state, chain, attempts FROM deliveries WHERE seq = ?1 AND event = ?2";

const ERASE: &str =
    "UPDATE deliveries SET state = ?2, at = CASE WHEN state = ?2 THEN at ELSE ?3 END,
    reason = coalesce(?4, reason), attempts = ?5, exchanges = NULL,
    body = CASE WHEN body IS NULL THEN NULL ELSE x'' END
    WHERE seq = ?1";

/// A delivery of the event.
struct Stored {
    seq: i64,
    key: Key,
    endpoint_key: i64,
    state: i64,
    ordering_group: Option<String>,
    attempts: Option<String>,
}

/// Erases an event, or the rejected event with this id; `None` if the tenant has neither.
pub(super) fn by_id(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    id: &str,
    now: Millis,
) -> FaultResult<Option<Erased>> {
    if let Ok(id) = EventId::parse(id)
        && let Some(erased) = event(tx, tenant, &id, now)?
    {
        return Ok(Some(erased));
    }
    let is_rejected = rejected::erase(tx, tenant, id)?;
    Ok(is_rejected.then(Erased::default))
}

/// Erases an event; `None` if it does not exist.
fn event(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    id: &EventId,
    now: Millis,
) -> FaultResult<Option<Erased>> {
    let Some((tenant_key, _)) = lookup::tenant(tx.sql, tenant)? else {
        return Ok(None);
    };
    let Some((event, first, count)) = find(tx, tenant_key, id)? else {
        return Ok(None);
    };
    tx.sql
        .prepare_cached("UPDATE events SET data = x'' WHERE key = ?1")?
        .execute([event])?;
    accept::withdraw(tx, event, tenant)?;
    let (mut erased, mut counts) = (Erased::default(), DeadCounts::default());
    for seq in first..first + count {
        if let Some(stored) = Stored::read(tx, tenant, event, seq)? {
            // The outcome of a delivery in flight counts it.
            let (endpoint_key, flies) = (stored.endpoint_key, tx.is_in_flight(seq));
            let dies = stored.erase(tx, now)?;
            erased.deliveries += u64::from(dies);
            if dies && !flies {
                counts.add(endpoint_key);
            }
        }
    }
    counts.write(tx.sql, now)?;
    Ok(Some(erased))
}

/// Returns the key of an event, that of its first delivery, and the number of its deliveries.
fn find(tx: &Tx<'_>, tenant: i64, id: &EventId) -> FaultResult<Option<(i64, i64, i64)>> {
    let mut found = tx.sql.prepare_cached(
        "SELECT key, coalesce(first_delivery, key + 1), max(deliveries, 0) FROM events
         WHERE key = ?1 AND tenant = ?2 AND id = ?3",
    )?;
    for key in tx.keys(event_hash(tenant, id))? {
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let event = found.query_row((key, tenant, id.as_str()), read);
        if let Some(event) = event.optional()? {
            return Ok(Some(event));
        }
    }
    Ok(None)
}

impl Stored {
    fn read(tx: &Tx<'_>, tenant: &TenantId, event: i64, seq: i64) -> FaultResult<Option<Self>> {
        let mut found = tx.sql.prepare_cached(DELIVERY)?;
        let mut rows = found.query((seq, event))?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        Ok(Some(Self {
            seq,
            key: (tenant.clone(), read_delivery_id(row.get_ref(0)?)?),
            endpoint_key: row.get(1)?,
            state: row.get(2)?,
            ordering_group: row.get(3)?,
            attempts: row.get(4)?,
        }))
    }

    /// Erases the delivery. Returns whether it became a dead letter.
    fn erase(self, tx: &mut Tx<'_>, now: Millis) -> FaultResult<bool> {
        let dies = self.state <= state::WAITING;
        let state = if dies { state::DEAD } else { self.state };
        // The reason of one without an attempt comes from its filter or transform, and may quote data.
        let explains = dies || (self.state == state::DEAD && self.attempts.is_none());
        let attempts = attempts::erased(self.attempts.as_deref())?;
        let values = (
            self.seq,
            state,
            now.as_i64(),
            explains.then_some(ERASED),
            attempts,
        );
        tx.sql.prepare_cached(ERASE)?.execute(values)?;
        if !dies {
            return Ok(false);
        }
        tx.then(Effect::Counted {
            pending: -1,
            dead: 1,
        });
        if tx.is_in_flight(self.seq) {
            tx.then(Effect::Erased { key: self.key });
        } else if self.state == state::DUE {
            let endpoint_key = self.endpoint_key;
            let first = lookup::first(tx.sql, endpoint_key, i64::MIN, |seq| tx.is_in_flight(seq))?;
            tx.then(Effect::Withdrawn {
                endpoint_key,
                first,
            });
            if let Some(group) = &self.ordering_group {
                complete::promote(tx, endpoint_key, group, now)?;
            }
        }
        Ok(true)
    }
}
