//! Keeps accepted events, and takes them for planning.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::delete;
use super::job::{FaultResult, Tx};
use super::lookup;
use super::queue::Effect;
use super::row::{self, millis};
use crate::{Acceptance, AcceptedEvent, PLANNING_BYTES};
use webhook_model::{Event, EventId, Millis, Owner, Source, TenantId};

/// The value of `events.deliveries` for an event that is not planned.
const NOT_PLANNED: i64 = -1;

const KNOWN: &str = "SELECT kind, data FROM events WHERE key = ?1 AND tenant = ?2 AND id = ?3";

const EVENT: &str = "INSERT INTO events
    (key, hash, tenant, deliveries, accepted_at, at, id, kind, ordering_key, data, source)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

const OLDEST: &str = "SELECT a.place, a.tries, e.id, e.kind, e.at, e.ordering_key, e.data, e.source
    FROM accepted a INDEXED BY accepted_by_tenant JOIN events e ON e.key = a.event
    WHERE a.tenant = ?1 ORDER BY a.place";

/// An event of a tenant, with the hash by which it is looked up.
pub(super) struct NewEvent<'a> {
    pub tenant: i64,
    pub hash: i64,
    pub event: &'a Event,
}

impl<'a> NewEvent<'a> {
    pub(super) fn new(tenant: i64, event: &'a Event) -> Self {
        Self {
            tenant,
            hash: row::event_hash(tenant, &event.id),
            event,
        }
    }

    /// Returns whether the stored event of that id has the same content; `None` if there is none.
    pub(super) fn is_same(&self, tx: &Tx<'_>) -> FaultResult<Option<bool>> {
        let keys = tx.keys(self.hash)?;
        if keys.is_empty() {
            return Ok(None);
        }
        let mut found = tx.sql.prepare_cached(KNOWN)?;
        let compare = |row: &Row<'_>| {
            let (kind, data) = (row.get_ref(0)?.as_bytes()?, row.get_ref(1)?.as_bytes()?);
            // The data of an erased event is unknown.
            let is_erased = data.is_empty();
            Ok(is_erased || kind == self.event.kind.as_bytes() && data == self.event.data)
        };
        for key in keys {
            let same = found.query_row((key, self.tenant, self.event.id.as_str()), compare);
            if let Some(same) = same.optional()? {
                return Ok(Some(same));
            }
        }
        Ok(None)
    }

    pub(super) fn insert(
        &self,
        tx: &Tx<'_>,
        key: i64,
        deliveries: i64,
        now: Millis,
    ) -> FaultResult<()> {
        let event = self.event;
        tx.sql.prepare_cached(EVENT)?.execute(params![
            key,
            self.hash,
            self.tenant,
            deliveries,
            now.as_i64(),
            event.at.as_i64(),
            event.id.as_str(),
            event.kind,
            event.ordering_key,
            &event.data[..],
            event.source.as_str(),
        ])?;
        tx.add_id(self.hash, key);
        Ok(())
    }
}

pub(super) fn accept(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    events: &[Event],
    now: Millis,
) -> FaultResult<Vec<Acceptance>> {
    let (key, _) = lookup::known_tenant(tx.sql, tenant)?;
    let mut count = 0;
    let mut accepted = Vec::with_capacity(events.len());
    for event in events {
        let new = NewEvent::new(key, event);
        accepted.push(match new.is_same(tx)? {
            Some(true) => Acceptance::Known,
            Some(false) => Acceptance::Conflict,
            None => {
                let number = tx.reserve(1);
                new.insert(tx, number, NOT_PLANNED, now)?;
                let mut insert = tx
                    .sql
                    .prepare_cached("INSERT INTO accepted (tenant, event) VALUES (?1, ?2)")?;
                insert.execute((key, number))?;
                count += 1;
                Acceptance::New
            }
        });
    }
    tx.then(Effect::Accepted {
        tenant: tenant.clone(),
        count,
    });
    Ok(accepted)
}

/// Returns whether a tenant has accepted events.
pub(super) fn has_backlog(sql: &Connection, tenant: i64) -> FaultResult<bool> {
    let mut found = sql.prepare_cached(
        "SELECT 1 FROM accepted INDEXED BY accepted_by_tenant WHERE tenant = ?1 LIMIT 1",
    )?;
    Ok(found.exists([tenant])?)
}

/// Takes events for planning: see [`Queue::begin_planning`](crate::Queue::begin_planning).
pub(super) fn begin(
    tx: &mut Tx<'_>,
    owner: &Owner,
    tenant: &TenantId,
    limit: usize,
) -> FaultResult<Vec<AcceptedEvent>> {
    let Some((key, _)) = lookup::tenant(tx.sql, tenant)? else {
        return Ok(Vec::new());
    };
    if !tx.queue().begin_planning(tenant, owner) {
        return Ok(Vec::new());
    }
    let oldest = oldest(tx.sql, key, limit)?;
    let mut count = tx
        .sql
        .prepare_cached("UPDATE accepted SET tries = tries + 1 WHERE place = ?1")?;
    for (place, _) in &oldest {
        count.execute([place])?;
    }
    Ok(oldest.into_iter().map(|(_, event)| event).collect())
}

/// Returns the oldest accepted events of a tenant and their positions, within the bounds: an event
/// that was tried before alone, else events until one that was.
fn oldest(sql: &Connection, tenant: i64, limit: usize) -> FaultResult<Vec<(i64, AcceptedEvent)>> {
    let mut found = sql.prepare_cached(OLDEST)?;
    let mut rows = found.query([tenant])?;
    let (mut oldest, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let accepted = read(row)?;
        bytes += accepted.event.data.len();
        let first = oldest.is_empty();
        if !first && (accepted.tries > 0 || bytes > PLANNING_BYTES) {
            break;
        }
        let alone = accepted.tries > 0;
        oldest.push((row.get(0)?, accepted));
        if alone || oldest.len() >= limit {
            break;
        }
    }
    Ok(oldest)
}

fn read(row: &Row<'_>) -> FaultResult<AcceptedEvent> {
    let id = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
    let data = row.get_ref(6)?.as_blob().map_err(rusqlite::Error::from)?;
    let source = row.get_ref(7)?.as_str().map_err(rusqlite::Error::from)?;
    Ok(AcceptedEvent {
        tries: row.get(1)?,
        event: Event {
            id: EventId::parse(id)?,
            kind: row.get(3)?,
            at: millis(row.get(4)?),
            ordering_key: row.get(5)?,
            data: Bytes::copy_from_slice(data),
            source: Source::named(source),
        },
    })
}

pub(super) fn end(
    tx: &mut Tx<'_>,
    owner: &Owner,
    tenant: &TenantId,
    untried: &[EventId],
) -> FaultResult<()> {
    if !tx.queue().end_planning(tenant, owner) {
        return Ok(());
    }
    let Some((key, _)) = lookup::tenant(tx.sql, tenant)? else {
        return Ok(());
    };
    let mut uncount = tx
        .sql
        .prepare_cached("UPDATE accepted SET tries = max(0, tries - 1) WHERE event = ?1")?;
    for id in untried {
        if let Some(event) = accepted_event(tx, key, id)? {
            uncount.execute([event])?;
        }
    }
    Ok(())
}

/// Takes the first accepted event, and returns its key; `None` if the first one has another id.
pub(super) fn take_first(
    tx: &mut Tx<'_>,
    tenant: i64,
    name: &TenantId,
    id: &EventId,
) -> FaultResult<Option<i64>> {
    let mut first = tx.sql.prepare_cached(
        "SELECT a.place, e.key, e.id FROM accepted a INDEXED BY accepted_by_tenant
         JOIN events e ON e.key = a.event WHERE a.tenant = ?1 ORDER BY a.place LIMIT 1",
    )?;
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let first: Option<(i64, i64, String)> = first.query_row([tenant], read).optional()?;
    let Some((place, key, found)) = first else {
        return Ok(None);
    };
    if found != id.as_str() {
        return Ok(None);
    }
    remove(tx, place, name)?;
    Ok(Some(key))
}

fn remove(tx: &mut Tx<'_>, place: i64, tenant: &TenantId) -> FaultResult<()> {
    tx.sql
        .prepare_cached("DELETE FROM accepted WHERE place = ?1")?
        .execute([place])?;
    tx.then(Effect::Accepted {
        tenant: tenant.clone(),
        count: -1,
    });
    Ok(())
}

/// Removes an erased event from the accepted ones: it is planned, without deliveries.
pub(super) fn withdraw(tx: &mut Tx<'_>, event: i64, tenant: &TenantId) -> FaultResult<()> {
    let mut found = tx
        .sql
        .prepare_cached("SELECT place FROM accepted WHERE event = ?1")?;
    let place = found.query_row([event], |row| row.get(0)).optional()?;
    match place {
        Some(place) => {
            remove(tx, place, tenant)?;
            let next = tx.last_key() + 1;
            set_planned(tx, event, next, 0)
        }
        None => Ok(()),
    }
}

/// Marks an event as planned. `first` is the key of the first of its deliveries.
pub(super) fn set_planned(tx: &Tx<'_>, event: i64, first: i64, deliveries: i64) -> FaultResult<()> {
    let mut update = tx
        .sql
        .prepare_cached("UPDATE events SET deliveries = ?2, first_delivery = ?3 WHERE key = ?1")?;
    update.execute((event, deliveries, first))?;
    Ok(())
}

pub(super) fn discard(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    id: &EventId,
    tries: u32,
) -> FaultResult<()> {
    let Some((key, _)) = lookup::tenant(tx.sql, tenant)? else {
        return Ok(());
    };
    let Some(event) = accepted_event(tx, key, id)? else {
        return Ok(());
    };
    let place = "SELECT place FROM accepted WHERE tenant = ?1 AND event = ?2 AND tries >= ?3";
    let mut found = tx.sql.prepare_cached(place)?;
    let place = found
        .query_row((key, event, tries), |row| row.get(0))
        .optional()?;
    if let Some(place) = place {
        remove(tx, place, tenant)?;
        delete::event(tx, event)?;
    }
    Ok(())
}

/// Returns the key of an event that is not planned.
fn accepted_event(tx: &Tx<'_>, tenant: i64, id: &EventId) -> FaultResult<Option<i64>> {
    let mut found = tx.sql.prepare_cached(
        "SELECT 1 FROM events WHERE key = ?1 AND tenant = ?2 AND id = ?3 AND deliveries = ?4",
    )?;
    for key in tx.keys(row::event_hash(tenant, id))? {
        if found.exists((key, tenant, id.as_str(), NOT_PLANNED))? {
            return Ok(Some(key));
        }
    }
    Ok(None)
}
