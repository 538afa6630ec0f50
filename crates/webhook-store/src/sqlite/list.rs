//! Reads deliveries and lists of deliveries.

use bytes::Bytes;
use rusqlite::{Connection, Row};
use webhook_model::{Delivery, DeliveryId, DeliveryState, EndpointId, EventId, TenantId};

use super::fault::Fault;
use super::job::FaultResult;
use super::page::{Mark, page, page_until};
use super::reader::View;
use super::row::{millis, read_delivery_id, state};
use super::search::{Found, From, Search};
use super::{attempts, candidates, lookup};
use crate::{Cursor, DeliveryFilter, MAX_EXAMINED, Page};

/// Up to this number, pending deliveries are collected and sorted instead of scanned for.
const FEW: i64 = MAX_EXAMINED as i64;

pub(super) fn deliveries(
    view: &View<'_>,
    tenant: &TenantId,
    filter: &DeliveryFilter,
    cursor: Option<&Cursor>,
    limit: usize,
) -> FaultResult<Page<Delivery>> {
    let below = Mark::below('d', cursor)?;
    // Before the first read of the disk: a delivery that ends meanwhile is then seen as ended.
    let in_flight = InFlightSeqs::of(view, tenant);
    let Some(search) = Search::new(view.sql, view.shared, tenant, filter)? else {
        return Ok(page('d', Vec::new(), limit));
    };
    let found = newest(view, &search, filter.state, &in_flight, below, limit)?;
    let mut items = Vec::with_capacity(found.marks.len());
    for mark in found.marks {
        items.push((mark, read(view.sql, mark.key, &in_flight)?));
    }
    Ok(page_until('d', items, limit, found.reached))
}

/// Returns a delivery with the requests and responses of its attempts.
pub(super) fn delivery(
    view: &View<'_>,
    tenant: &TenantId,
    id: &DeliveryId,
) -> FaultResult<Option<Delivery>> {
    let in_flight = InFlightSeqs::of(view, tenant);
    let Some(seq) = seq_of(view, tenant, id)? else {
        return Ok(None);
    };
    let delivery = read(view.sql, seq, &in_flight)?;
    let mut found = view
        .sql
        .prepare_cached("SELECT attempts, exchanges FROM deliveries WHERE seq = ?1")?;
    let (attempts, exchanges): (Option<String>, Option<Vec<u8>>) =
        found.query_row([seq], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Some(Delivery {
        attempts: attempts::read_whole(attempts.as_deref(), exchanges)?,
        ..delivery
    }))
}

/// Returns the body of a delivery. It is empty if it is not rendered yet, or was erased.
pub(super) fn body(
    view: &View<'_>,
    tenant: &TenantId,
    id: &DeliveryId,
) -> FaultResult<Option<Bytes>> {
    let Some(seq) = seq_of(view, tenant, id)? else {
        return Ok(None);
    };
    let mut found = view.sql.prepare_cached(
        "SELECT coalesce(d.body, e.data) FROM deliveries d JOIN events e ON e.key = d.event
         WHERE d.seq = ?1",
    )?;
    let body: Vec<u8> = found.query_row([seq], |row| row.get(0))?;
    Ok(Some(body.into()))
}

fn seq_of(view: &View<'_>, tenant: &TenantId, id: &DeliveryId) -> FaultResult<Option<i64>> {
    let Some((tenant, _)) = lookup::tenant(view.sql, tenant)? else {
        return Ok(None);
    };
    Ok(candidates::named(view.sql, view.shared, tenant, id)?.pop())
}

/// The sequence numbers of a tenant's deliveries in flight at one moment, sorted.
struct InFlightSeqs(Vec<i64>);

impl InFlightSeqs {
    fn of(view: &View<'_>, tenant: &TenantId) -> Self {
        let queue = view.shared.lock();
        let in_flight = queue.in_flight.iter().filter(|((of, _), _)| of == tenant);
        let mut seqs: Vec<i64> = in_flight.map(|(_, flight)| flight.seq).collect();
        seqs.sort_unstable();
        Self(seqs)
    }

    fn state(&self, seq: i64, stored: i64) -> DeliveryState {
        match stored {
            state::SUCCEEDED => DeliveryState::Succeeded,
            state::DEAD => DeliveryState::Dead,
            _ if self.0.binary_search(&seq).is_ok() => DeliveryState::InFlight,
            _ => DeliveryState::Pending,
        }
    }
}

/// Returns up to one more position than `limit`, the newest first, or those among the rows that a call
/// may examine.
fn newest(
    view: &View<'_>,
    search: &Search,
    wanted: Option<DeliveryState>,
    in_flight: &InFlightSeqs,
    below: Mark,
    limit: usize,
) -> FaultResult<Found> {
    let (from, count) = (From::Newest(below), limit.saturating_add(1));
    let keep = |seq, stored| wanted.is_none_or(|state| state == in_flight.state(seq, stored));
    let pending = || view.shared.lock().pending;
    let few = match (&search.only, wanted) {
        (Some(only), _) => Some(only.clone()),
        (None, Some(DeliveryState::InFlight)) => Some(in_flight.0.clone()),
        (None, Some(DeliveryState::Pending)) if pending() <= FEW => Some(search.pending(view.sql)?),
        _ => None,
    };
    match few {
        Some(few) => search.pick(view.sql, &few, from, count, keep),
        None => search.scan(view.sql, from, count, keep),
    }
}

fn read(sql: &Connection, seq: i64, in_flight: &InFlightSeqs) -> FaultResult<Delivery> {
    let mut found = sql.prepare_cached(
        "SELECT d.id, e.id, e.kind, p.id, d.state, d.created_at, d.at, d.reason, d.attempts
         FROM deliveries d JOIN events e ON e.key = d.event JOIN endpoints p ON p.key = d.endpoint
         WHERE d.seq = ?1",
    )?;
    found.query_row([seq], |row| Ok(delivery_of(row, seq, in_flight)))?
}

fn delivery_of(row: &Row<'_>, seq: i64, in_flight: &InFlightSeqs) -> Result<Delivery, Fault> {
    let text = |column| {
        Ok::<_, Fault>(
            row.get_ref(column)?
                .as_str()
                .map_err(rusqlite::Error::from)?,
        )
    };
    let stored = row.get(4)?;
    let state = in_flight.state(seq, stored);
    let waits = state == DeliveryState::Pending && stored == state::DUE;
    let attempts: Option<String> = row.get(8)?;
    Ok(Delivery {
        id: read_delivery_id(row.get_ref(0)?)?,
        event: EventId::parse(text(1)?)?,
        kind: row.get(2)?,
        endpoint: EndpointId::parse(text(3)?)?,
        state,
        created_at: millis(row.get(5)?),
        next_attempt_at: if waits {
            Some(millis(row.get(6)?))
        } else {
            None
        },
        reason: row.get(7)?,
        attempts: attempts::read(attempts.as_deref())?,
    })
}
