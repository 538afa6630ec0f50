//! The deliveries that a filter names by an id.

use rusqlite::{Connection, OptionalExtension};
use webhook_model::{DeliveryId, EventId};

use super::ids;
use super::job::FaultResult;
use super::queue::Shared;
use super::row::{delivery_hash, delivery_id, event_hash};
use crate::DeliveryFilter;

/// Returns the sequence numbers of the deliveries that the ids in a filter select, or `None` if the filter
/// names neither a delivery nor an event.
pub(super) fn of_filter(
    sql: &Connection,
    shared: &Shared,
    tenant: i64,
    filter: &DeliveryFilter,
) -> FaultResult<Option<Vec<i64>>> {
    let named = filter
        .delivery
        .as_ref()
        .map(|id| named(sql, shared, tenant, id))
        .transpose()?;
    let of_event = filter
        .event
        .as_ref()
        .map(|id| of_event(sql, shared, tenant, id))
        .transpose()?;
    Ok(match (named, of_event) {
        (Some(named), Some(of_event)) => Some(
            named
                .into_iter()
                .filter(|seq| of_event.contains(seq))
                .collect(),
        ),
        (one, other) => one.or(other),
    })
}

/// Returns the sequence number of a delivery, if it exists.
pub(super) fn named(
    sql: &Connection,
    shared: &Shared,
    tenant: i64,
    id: &DeliveryId,
) -> FaultResult<Vec<i64>> {
    let id = delivery_id(id);
    let mut found =
        sql.prepare_cached("SELECT 1 FROM deliveries WHERE seq = ?1 AND id = ?2 AND tenant = ?3")?;
    let mut seqs = Vec::new();
    for seq in ids::keys(sql, shared, delivery_hash((&id).into()))? {
        if found.exists((seq, &id, tenant))? {
            seqs.push(seq);
        }
    }
    Ok(seqs)
}

fn of_event(sql: &Connection, shared: &Shared, tenant: i64, id: &EventId) -> FaultResult<Vec<i64>> {
    let mut found = sql.prepare_cached(
        "SELECT coalesce(first_delivery, key + 1), deliveries FROM events
         WHERE key = ?1 AND tenant = ?2 AND id = ?3",
    )?;
    for key in ids::keys(sql, shared, event_hash(tenant, id))? {
        let deliveries = found.query_row((key, tenant, id.as_str()), |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
        });
        if let Some((first, count)) = deliveries.optional()? {
            // The deliveries of an event have consecutive keys: see `schema.sql`.
            return Ok((first..first + count).collect());
        }
    }
    Ok(Vec::new())
}
