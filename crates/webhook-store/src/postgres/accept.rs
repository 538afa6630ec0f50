//! Keeps accepted events, and takes them for planning.

use std::collections::HashSet;

use tokio_postgres::Row;
use webhook_model::{Event, EventId, Millis, Owner, Source, TenantId};

use super::PostgresStore;
use super::fault::FaultResult;
use super::known::compare;
use super::outbox::Rows;
use super::row::{bytes, column, event_id, millis, text};
use super::session::{Params, Session, query};
use super::store::call;
use crate::{Acceptance, AcceptedEvent, PLANNING_BYTES, Result, StoreError};

/// Keeps events behind the accepted ones, in their order. The tenant is locked against its deletion.
const ACCEPT: &str = "WITH t AS MATERIALIZED (
        SELECT key FROM tenants WHERE id = $1 FOR SHARE
    ), new AS (
        INSERT INTO events (tenant, id, kind, at, kept_at, ordering_key, data, source)
        SELECT t.key, n.id, n.kind, n.at, $7, n.ordering_key, n.data, n.source
        FROM t, unnest($2::text[], $3::text[], $4::bigint[], $5::bytea[], $6::bytea[],
                $8::text[]) WITH ORDINALITY n (id, kind, at, ordering_key, data, source, number)
        ORDER BY n.number
        ON CONFLICT (tenant, id) DO NOTHING
        RETURNING key, tenant, id
    ), kept AS (
        INSERT INTO accepted (event, tenant) SELECT key, tenant FROM new
    )
    SELECT EXISTS (SELECT FROM t), ARRAY(SELECT id FROM new)";

const BACKLOG: &str = "SELECT t.id FROM tenants t
    WHERE t.id IS NOT NULL AND EXISTS (SELECT FROM accepted a WHERE a.tenant = t.key)";

/// Makes an owner the planner of a tenant, unless another one is. An owner that loses its lease is no
/// planner any more.
const BEGIN: &str = "INSERT INTO planners AS p (tenant, owner)
    SELECT t.key, o.key FROM tenants t, owners o
    WHERE t.id = $1 AND o.incarnation = $2
        AND EXISTS (SELECT FROM accepted a WHERE a.tenant = t.key)
    ON CONFLICT (tenant) DO UPDATE SET owner = excluded.owner WHERE p.owner = excluded.owner";

/// Counts a try of the oldest events within the bounds, and returns them: an event that was tried
/// before alone, else events until one that was.
const TAKE: &str = "WITH oldest AS (
        SELECT a.event, row_number() OVER w AS number, bool_or(a.tries > 0) OVER w AS tried,
            sum(octet_length(e.data)) OVER w AS bytes
        FROM (
            SELECT a.event, a.tries FROM planners p
            JOIN tenants t ON t.key = p.tenant
            JOIN owners o ON o.key = p.owner
            JOIN accepted a ON a.tenant = p.tenant
            WHERE t.id = $1 AND o.incarnation = $2 ORDER BY a.event LIMIT $3
        ) a JOIN events e ON e.key = a.event
        WINDOW w AS (ORDER BY a.event)
    ), taken AS (
        UPDATE accepted a SET tries = a.tries + 1 FROM oldest n
        WHERE a.event = n.event AND (n.number = 1 OR (NOT n.tried AND n.bytes <= $4))
        RETURNING a.event, a.tries - 1 AS tries
    )
    SELECT e.id, e.kind, e.at, e.ordering_key, e.data, n.tries, e.source
    FROM taken n JOIN events e ON e.key = n.event ORDER BY n.event";

/// Ends the planning of an owner. Returns a row if it planned.
const END: &str = "DELETE FROM planners p USING tenants t, owners o
    WHERE t.id = $1 AND o.incarnation = $2 AND p.tenant = t.key AND p.owner = o.key
    RETURNING p.tenant";

const UNCOUNT: &str = "UPDATE accepted a SET tries = greatest(a.tries - 1, 0)
    FROM unnest($2::text[]) n (id) CROSS JOIN LATERAL (
        SELECT e.key FROM events e WHERE e.tenant = $1 AND e.id = n.id OFFSET 0
    ) e WHERE a.event = e.key";

/// Deletes an event that was tried often enough and not planned.
const DISCARD: &str = "DELETE FROM events WHERE key = (
        SELECT e.key FROM tenants t JOIN events e ON e.tenant = t.key AND e.id = $2
        JOIN accepted a ON a.event = e.key WHERE t.id = $1 AND a.tries >= $3
    )";

impl PostgresStore {
    pub(super) async fn accept_events(
        &self,
        tenant: &TenantId,
        events: &[Event],
        now: Millis,
    ) -> Result<Vec<Acceptance>> {
        let mut results = vec![None; events.len()];
        let mut indices: Vec<usize> = (0..events.len()).collect();
        loop {
            self.accept_some(tenant, events, &mut indices, &mut results, now)
                .await?;
            // Again for an id that was stored at the insertion and deleted before the comparison.
            if indices.is_empty() {
                break;
            }
        }
        let known = |result: Option<Acceptance>| result.unwrap_or(Acceptance::Known);
        Ok(results.into_iter().map(known).collect())
    }

    /// Accepts the events of these indices, sets their results, and removes their indices.
    async fn accept_some(
        &self,
        tenant: &TenantId,
        events: &[Event],
        indices: &mut Vec<usize>,
        results: &mut [Option<Acceptance>],
        now: Millis,
    ) -> Result<()> {
        let some: Vec<&Event> = indices.iter().map(|index| &events[*index]).collect();
        let outbox = self.outboxes.rows(some.iter().copied());
        let outbox = outbox.as_ref();
        let mut new = call!(self, session => insert(&session, tenant, &some, now, outbox).await)?;
        if !new.is_empty() {
            self.listener.announce();
        }
        // Of several events with one id, the first is new.
        indices.retain(|index| {
            let is_new = new.remove(events[*index].id.as_str());
            if is_new {
                results[*index] = Some(Acceptance::New);
            }
            !is_new
        });
        if indices.is_empty() {
            return Ok(());
        }
        let some: Vec<&Event> = indices.iter().map(|index| &events[*index]).collect();
        let same = call!(self, session => compare(&session, tenant, &some).await)?;
        let mut same = same.into_iter();
        indices.retain(|index| {
            results[*index] = same.next().flatten().map(|same| {
                if same {
                    Acceptance::Known
                } else {
                    Acceptance::Conflict
                }
            });
            results[*index].is_none()
        });
        Ok(())
    }

    pub(super) async fn tenants_with_backlog(&self) -> Result<Vec<TenantId>> {
        let rows = call!(self, session => session.rows(BACKLOG, &[]).await)?;
        let tenant = |row: &Row| Ok(TenantId::parse(column(row, 0)?)?);
        let tenants: FaultResult<_> = rows.iter().map(tenant).collect();
        tenants.map_err(|fault| self.failed(fault))
    }

    pub(super) async fn take_accepted(
        &self,
        owner: &Owner,
        tenant: &TenantId,
        limit: usize,
    ) -> Result<Vec<AcceptedEvent>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        call!(self, session => take(&session, owner, tenant, limit).await)
    }

    pub(super) async fn end_planning_of(
        &self,
        owner: &Owner,
        tenant: &TenantId,
        untried: &[EventId],
    ) -> Result<()> {
        call!(self, session => end(&session, owner, tenant, untried).await)
    }

    pub(super) async fn remove_accepted(
        &self,
        tenant: &TenantId,
        event: &EventId,
        tries: u32,
    ) -> Result<()> {
        let tries = i32::try_from(tries).unwrap_or(i32::MAX);
        call!(self, session => {
            session.rows(DISCARD, &[&tenant.as_str(), &event.as_str(), &tries]).await
        })?;
        Ok(())
    }
}

/// Inserts events, and deletes the rows of an outbox from which new ones were read. Returns the ids of
/// those that are new.
async fn insert(
    session: &Session,
    tenant: &TenantId,
    events: &[&Event],
    now: Millis,
    outbox: Option<&Rows<'_>>,
) -> FaultResult<HashSet<String>> {
    let columns = EventColumns::of(events.iter().copied());
    let (id, now) = (tenant.as_str(), now.as_i64());
    let params: Params<'_> = &[
        &id,
        &columns.ids,
        &columns.kinds,
        &columns.times,
        &columns.ordering_keys,
        &columns.data,
        &now,
        &columns.sources,
    ];
    let Some(rows) = outbox else {
        return new_ids(&session.rows(ACCEPT, params).await?, tenant);
    };
    let accepted = session.begin(&[query(ACCEPT, params)]).await?;
    let new = new_ids(accepted.first().map_or(&[], Vec::as_slice), tenant)?;
    let mut left: HashSet<&str> = new.iter().map(String::as_str).collect();
    // Of several events with one id, the first is new.
    let is_new: Vec<bool> = columns.ids.iter().map(|id| left.remove(id)).collect();
    let removed = rows.ids_where(|at| is_new[at]);
    session
        .commit(&[query(&rows.outbox.remove, &[&removed])])
        .await?;
    Ok(new)
}

/// Returns the ids of new events from the reply.
fn new_ids(rows: &[Row], tenant: &TenantId) -> FaultResult<HashSet<String>> {
    let Some(row) = rows.first() else {
        return Ok(HashSet::new());
    };
    if !column::<bool>(row, 0)? {
        return Err(StoreError::UnknownTenant(tenant.clone()).into());
    }
    Ok(column::<Vec<String>>(row, 1)?.into_iter().collect())
}

/// The columns of events, for a statement that inserts them.
pub(super) struct EventColumns<'a> {
    pub ids: Vec<&'a str>,
    pub kinds: Vec<&'a str>,
    pub times: Vec<i64>,
    pub ordering_keys: Vec<Option<&'a [u8]>>,
    pub data: Vec<&'a [u8]>,
    pub sources: Vec<&'a str>,
}

impl<'a> EventColumns<'a> {
    pub fn of(events: impl Iterator<Item = &'a Event> + Clone) -> Self {
        let key = |event: &'a Event| event.ordering_key.as_deref().map(str::as_bytes);
        Self {
            ids: events.clone().map(|event| event.id.as_str()).collect(),
            kinds: events.clone().map(|event| &*event.kind).collect(),
            times: events.clone().map(|event| event.at.as_i64()).collect(),
            ordering_keys: events.clone().map(key).collect(),
            sources: events.clone().map(|event| event.source.as_str()).collect(),
            data: events.map(|event| &event.data[..]).collect(),
        }
    }
}

async fn take(
    session: &Session,
    owner: &Owner,
    tenant: &TenantId,
    limit: i64,
) -> FaultResult<Vec<AcceptedEvent>> {
    let (tenant, incarnation) = (tenant.as_str(), owner.incarnation.as_str());
    let most = i64::try_from(PLANNING_BYTES).unwrap_or(i64::MAX);
    let rows = session
        .transaction(&[
            query(BEGIN, &[&tenant, &incarnation]),
            query(TAKE, &[&tenant, &incarnation, &limit, &most]),
        ])
        .await?;
    rows.iter().flatten().map(accepted_event).collect()
}

fn accepted_event(row: &Row) -> FaultResult<AcceptedEvent> {
    Ok(AcceptedEvent {
        event: Event {
            id: event_id(row, 0)?,
            kind: column(row, 1)?,
            at: millis(column(row, 2)?),
            ordering_key: column::<Option<&[u8]>>(row, 3)?.map(text),
            data: bytes(row, 4)?,
            source: Source::named(column(row, 6)?),
        },
        tries: u32::try_from(column::<i32>(row, 5)?).unwrap_or(0),
    })
}

async fn end(
    session: &Session,
    owner: &Owner,
    tenant: &TenantId,
    untried: &[EventId],
) -> FaultResult<()> {
    let params = (tenant.as_str(), owner.incarnation.as_str());
    let ended = session
        .begin(&[query(END, &[&params.0, &params.1])])
        .await?;
    let Some(row) = ended.first().and_then(|rows| rows.first()) else {
        return session.roll_back().await;
    };
    let key: i32 = column(row, 0)?;
    let ids: Vec<&str> = untried.iter().map(EventId::as_str).collect();
    session
        .commit(&[query(UNCOUNT, &[&key, &ids])])
        .await
        .map(drop)
}
