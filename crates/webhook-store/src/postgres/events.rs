//! Reads events and lists of events.

use tokio_postgres::Row;
use webhook_model::{Event, EventId, EventState, Source, TenantId};

use super::PostgresStore;
use super::fault::FaultResult;
use super::rejected;
use super::row::{bytes, column, event_id, millis, text};
use super::session::Session;
use super::store::call;
use crate::event_list::{EventPosition, EventSearch, Scan, merge};
use crate::{Cursor, EventDetails, EventFilter, EventSummary, ListedEvent, Page, Result};

type Position = EventPosition<i64>;

const EVENT: &str = "SELECT e.kept_at, e.key, e.source, e.kind, e.at, e.ordering_key, e.data,
        EXISTS (SELECT FROM accepted a WHERE a.event = e.key)
    FROM tenants t JOIN events e ON e.tenant = t.key AND e.id = $2 WHERE t.id = $1";

/// Lists planned events below a position. `$2` is the time from which on they match, `$3` and `$4`
/// the position, and `$5` the number.
const PLANNED: &str = "SELECT e.kept_at, e.key, e.source, e.kind, e.at, e.ordering_key, e.id,
        octet_length(e.data) = 0
    FROM events e WHERE e.tenant = (SELECT key FROM tenants WHERE id = $1)
        AND e.kept_at >= $2 AND (e.kept_at, e.key) < ($3, $4)
        AND NOT EXISTS (SELECT FROM accepted a WHERE a.event = e.key)
    ORDER BY e.kept_at DESC, e.key DESC LIMIT $5";

/// Lists accepted events, with the parameters of [`PLANNED`]. Few are accepted, so that they are found first.
const ACCEPTED: &str = "SELECT e.kept_at, e.key, e.source, e.kind, e.at, e.ordering_key, e.id,
        octet_length(e.data) = 0
    FROM accepted a JOIN events e ON e.key = a.event
    WHERE a.tenant = (SELECT key FROM tenants WHERE id = $1)
        AND e.kept_at >= $2 AND (e.kept_at, e.key) < ($3, $4)
    ORDER BY e.kept_at DESC, e.key DESC LIMIT $5";

impl PostgresStore {
    pub(super) async fn find_event(
        &self,
        tenant: &TenantId,
        id: &EventId,
    ) -> Result<Option<EventDetails>> {
        let rows = call!(self, session => {
            session.rows(EVENT, &[&tenant.as_str(), &id.as_str()]).await
        })?;
        let details = rows.first().map(|row| details(row, id)).transpose();
        details.map_err(|fault| self.failed(fault))
    }

    pub(super) async fn list_events(
        &self,
        tenant: &TenantId,
        filter: &EventFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<ListedEvent>> {
        let search = EventSearch::new(filter, cursor, limit)?;
        let scans = call!(self, session => run(&session, tenant, &search).await)?;
        Ok(merge(scans, limit))
    }
}

async fn run<'a>(
    session: &Session,
    tenant: &TenantId,
    search: &EventSearch<'a>,
) -> FaultResult<Vec<Scan<'a, i64>>> {
    let mut scans = Vec::new();
    for state in search.states() {
        scans.push(match state {
            EventState::Rejected => rejected_events(session, tenant, search).await?,
            EventState::Accepted => of_state(session, tenant, search, (state, ACCEPTED)).await?,
            EventState::Planned => of_state(session, tenant, search, (state, PLANNED)).await?,
        });
    }
    Ok(scans)
}

async fn of_state<'a>(
    session: &Session,
    tenant: &TenantId,
    search: &EventSearch<'a>,
    (state, statement): (EventState, &str),
) -> FaultResult<Scan<'a, i64>> {
    let (at, key) = search.below(true);
    let count = i64::try_from(search.count()).unwrap_or(i64::MAX);
    let (tenant, from) = (tenant.as_str(), search.from());
    let rows = session
        .rows(statement, &[&tenant, &from, &at, &key, &count])
        .await?;
    let mut scan = search.scan();
    for row in rows {
        let event = ListedEvent::Kept(summary(&row, state)?);
        if !scan.examine(position(&row, true)?, Some(event)) {
            break;
        }
    }
    Ok(scan)
}

async fn rejected_events<'a>(
    session: &Session,
    tenant: &TenantId,
    search: &EventSearch<'a>,
) -> FaultResult<Scan<'a, i64>> {
    let (at, key) = search.below(false);
    let count = i64::try_from(search.count()).unwrap_or(i64::MAX);
    let rows = rejected::of_tenant(session, tenant, search.from(), [at, key], count).await?;
    let more = rejected::has_more(&rows)?;
    let mut scan = search.scan();
    for row in &rows {
        let event = ListedEvent::Rejected(rejected::read(row)?);
        if !scan.examine(position(row, false)?, Some(event)) {
            return Ok(scan);
        }
    }
    if let Some(last) = rows.last().filter(|_| more) {
        scan.ends_early(position(last, false)?);
    }
    Ok(scan)
}

/// Returns the position of a row that starts with its time and its key.
fn position(row: &Row, is_kept: bool) -> FaultResult<Position> {
    Ok(Position {
        at: millis(column(row, 0)?).0,
        is_kept,
        key: column(row, 1)?,
    })
}

fn summary(row: &Row, state: EventState) -> FaultResult<EventSummary> {
    Ok(EventSummary {
        accepted_at: millis(column(row, 0)?),
        source: Source::named(column(row, 2)?),
        kind: column(row, 3)?,
        at: millis(column(row, 4)?),
        ordering_key: column::<Option<&[u8]>>(row, 5)?.map(text),
        id: event_id(row, 6)?,
        state,
        erased: column(row, 7)?,
    })
}

fn details(row: &Row, id: &EventId) -> FaultResult<EventDetails> {
    let event = Event {
        id: id.clone(),
        source: Source::named(column(row, 2)?),
        kind: column(row, 3)?,
        at: millis(column(row, 4)?),
        ordering_key: column::<Option<&[u8]>>(row, 5)?.map(text),
        data: bytes(row, 6)?,
    };
    Ok(EventDetails {
        event,
        accepted_at: millis(column(row, 0)?),
        state: if column(row, 7)? {
            EventState::Accepted
        } else {
            EventState::Planned
        },
    })
}
