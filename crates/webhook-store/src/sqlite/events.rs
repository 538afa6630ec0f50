//! Reads events and lists of events.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row};
use webhook_model::{Event, EventId, EventState, Source, TenantId};

use super::fault::Fault;
use super::job::FaultResult;
use super::reader::View;
use super::row::{event_hash, millis};
use super::{lookup, rejected};
use crate::event_list::{EventPosition, EventSearch, Scan, merge};
use crate::{Cursor, EventDetails, EventFilter, EventSummary, ListedEvent, Page};

type Position = EventPosition<i64>;

pub(super) fn details(
    view: &View<'_>,
    tenant: &TenantId,
    id: &EventId,
) -> FaultResult<Option<EventDetails>> {
    let Some((tenant, _)) = lookup::tenant(view.sql, tenant)? else {
        return Ok(None);
    };
    let mut found = view.sql.prepare_cached(
        "SELECT kind, data, at, ordering_key, source, accepted_at, deliveries FROM events
         WHERE key = ?1 AND tenant = ?2 AND id = ?3",
    )?;
    let read = |row: &Row<'_>| {
        let event = Event {
            id: id.clone(),
            kind: row.get(0)?,
            data: Bytes::from(row.get::<_, Vec<u8>>(1)?),
            at: millis(row.get(2)?),
            ordering_key: row.get(3)?,
            source: Source::named(row.get_ref(4)?.as_str()?),
        };
        let (accepted_at, deliveries): (_, i64) = (millis(row.get(5)?), row.get(6)?);
        let state = if deliveries < 0 {
            EventState::Accepted
        } else {
            EventState::Planned
        };
        Ok(EventDetails {
            event,
            accepted_at,
            state,
        })
    };
    for key in view.keys(event_hash(tenant, id))? {
        let details = found.query_row((key, tenant, id.as_str()), read);
        if let Some(details) = details.optional()? {
            return Ok(Some(details));
        }
    }
    Ok(None)
}

pub(super) fn list(
    sql: &Connection,
    tenant: &TenantId,
    filter: &EventFilter,
    cursor: Option<&Cursor>,
    limit: usize,
) -> FaultResult<Page<ListedEvent>> {
    let search = EventSearch::new(filter, cursor, limit)?;
    let mut scans = Vec::new();
    if let Some((tenant, _)) = lookup::tenant(sql, tenant)? {
        for state in search.states() {
            scans.push(match state {
                EventState::Rejected => rejected_events(sql, tenant, &search)?,
                kept => of_state(sql, tenant, &search, kept)?,
            });
        }
    }
    Ok(merge(scans, limit))
}

fn of_state<'a>(
    sql: &Connection,
    tenant: i64,
    search: &EventSearch<'a>,
    state: EventState,
) -> FaultResult<Scan<'a, i64>> {
    let (at, key) = search.below(true);
    let mut found = sql.prepare_cached(&kept_events(state))?;
    let mut rows = found.query((tenant, search.from(), at, key))?;
    let mut scan = search.scan();
    while let Some(row) = rows.next()? {
        let event = ListedEvent::Kept(summary(row, state)?);
        if !scan.examine(position(row, true)?, Some(event)) {
            break;
        }
    }
    Ok(scan)
}

fn rejected_events<'a>(
    sql: &Connection,
    tenant: i64,
    search: &EventSearch<'a>,
) -> FaultResult<Scan<'a, i64>> {
    let (at, key) = search.below(false);
    let text = format!(
        "{} WHERE r.tenant = ?1 AND r.at >= ?2 AND (r.at, r.key) < (?3, ?4)
         ORDER BY r.at DESC, r.key DESC",
        rejected::COLUMNS
    );
    let mut found = sql.prepare_cached(&text)?;
    let mut rows = found.query((tenant, search.from(), at, key))?;
    let mut scan = search.scan();
    while let Some(row) = rows.next()? {
        let event = ListedEvent::Rejected(rejected::read(row)?);
        if !scan.examine(position(row, false)?, Some(event)) {
            break;
        }
    }
    Ok(scan)
}

fn kept_events(state: EventState) -> String {
    let (index, condition) = match state {
        EventState::Accepted => ("events_accepted", "deliveries < 0"),
        _ => ("events_planned", "deliveries >= 0"),
    };
    format!(
        "SELECT accepted_at, key, source, kind, id, at, ordering_key, length(data) = 0
         FROM events INDEXED BY {index}
         WHERE tenant = ?1 AND {condition} AND accepted_at >= ?2
             AND (accepted_at, key) < (?3, ?4)
         ORDER BY accepted_at DESC, key DESC"
    )
}

fn summary(row: &Row<'_>, state: EventState) -> Result<EventSummary, Fault> {
    let text = |column| {
        Ok::<_, Fault>(
            row.get_ref(column)?
                .as_str()
                .map_err(rusqlite::Error::from)?,
        )
    };
    Ok(EventSummary {
        accepted_at: millis(row.get(0)?),
        source: Source::named(text(2)?),
        kind: row.get(3)?,
        id: EventId::parse(text(4)?)?,
        at: millis(row.get(5)?),
        ordering_key: row.get(6)?,
        state,
        erased: row.get(7)?,
    })
}

/// Returns the position of a row that starts with its time and its key.
fn position(row: &Row<'_>, is_kept: bool) -> Result<Position, Fault> {
    Ok(Position {
        at: millis(row.get(0)?).0,
        is_kept,
        key: row.get(1)?,
    })
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::super::open::MIGRATIONS;
    use super::*;

    /// Returns the steps of SQLite's machine for a page in the middle of `count` events.
    fn steps(count: i64) -> i32 {
        let sql = Connection::open_in_memory().unwrap();
        for migration in MIGRATIONS {
            sql.execute_batch(migration).unwrap();
        }
        sql.execute_batch("INSERT INTO tenants VALUES (1, 'acme', 1), (2, 'globex', 1)")
            .unwrap();
        // Ten events of each moment, and as many of another tenant.
        let insert = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
             INSERT INTO events SELECT n, n, 1 + n % 2, 0, n / 20, 0, n, 'a.b', NULL, '1', 'api', NULL
             FROM n";
        sql.execute(insert, [2 * count]).unwrap();
        let (acme, middle) = (TenantId::parse("acme").unwrap(), count);
        let cursor = Cursor(format!("ek{}-{}", middle / 20, middle));
        let filter = EventFilter {
            state: Some(EventState::Planned),
            ..EventFilter::default()
        };
        let page = list(&sql, &acme, &filter, Some(&cursor), 50).unwrap();
        assert_eq!(page.items.len(), 50);
        let statement = sql.prepare_cached(&kept_events(EventState::Planned));
        statement.unwrap().get_status(StatementStatus::VmStep)
    }

    #[test]
    fn a_page_among_many_events_costs_as_much_as_among_few() {
        let (few, many) = (steps(200), steps(20_000));
        assert!(few > 0 && many <= few + 20, "{few} steps became {many}");
    }
}
