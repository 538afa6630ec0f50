//! Plans a few new events by one statement: the common case of an event that is published alone, whose
//! latency is that of the round trips.
//!
//! The statement changes nothing if a condition is not met: the tenant has another version or accepted
//! events, the owner has no lease, or an endpoint does not exist. The longer way finds out which.

use std::collections::{BTreeSet, HashSet};
use std::sync::LazyLock;

use uuid::Uuid;

use super::accept::EventColumns;
use super::fault::FaultResult;
use super::outbox::{self, Rows};
use super::plan_events::PlanCall;
use super::row::{claim_number, column, new_digest, state};
use super::session::{Params, Session};
use crate::{InitialState, Planned, PlannedEvent};

/// The maximum number of deliveries: the statement joins each with each event.
const MOST: usize = 16;

/// Keeps new events and their deliveries. The version is that of the locked row, so that the endpoints of
/// the statement's snapshot are those of this version.
const PLAN: &str = "WITH t AS MATERIALIZED (
        SELECT key, version FROM tenants WHERE id = $1 FOR SHARE
    ), o AS MATERIALIZED (
        SELECT key FROM owners WHERE incarnation = $3 FOR KEY SHARE
    ), wanted AS MATERIALIZED (
        SELECT n.id, p.key FROM t CROSS JOIN unnest($4::text[]) n (id)
        LEFT JOIN endpoints p ON p.tenant = t.key AND p.id = n.id AND p.definition IS NOT NULL
    ), go AS MATERIALIZED (
        SELECT t.key AS tenant, o.key AS owner FROM t LEFT JOIN o ON true
        WHERE t.version = $2 AND (o.key IS NOT NULL OR NOT $5)
            AND NOT EXISTS (SELECT FROM wanted w WHERE w.key IS NULL)
            AND NOT EXISTS (SELECT FROM accepted a WHERE a.tenant = t.key)
    ), new AS (
        INSERT INTO events (tenant, id, kind, at, kept_at, ordering_key, data, source)
        SELECT go.tenant, n.id, n.kind, n.at, $6, n.ordering_key, n.data, n.source
        FROM go, unnest($7::text[], $8::text[], $9::bigint[], $10::bytea[], $11::bytea[], $12::text[])
            WITH ORDINALITY n (id, kind, at, ordering_key, data, source, number)
        ORDER BY n.number
        ON CONFLICT (tenant, id) DO NOTHING
        RETURNING id, key
    ), added AS (
        INSERT INTO deliveries (event, endpoint, tenant, id, state, at, created_at, owner, fence)
        SELECT new.key, w.key, go.tenant, n.id, n.state, n.at, $6,
            CASE WHEN n.state = 2 THEN go.owner END, CASE WHEN n.state = 2 THEN $13::bigint END
        FROM go CROSS JOIN unnest($14::text[], $15::text[], $16::uuid[], $17::smallint[], $18::bigint[])
            n (event, endpoint, id, state, at)
        JOIN new ON new.id = n.event
        JOIN wanted w ON w.id = n.endpoint
    )";

/// The end of the statement.
const RESULT: &str = "SELECT EXISTS (SELECT FROM go), ARRAY(SELECT id FROM new)";

/// The whole statement.
static PLAN_NEW: LazyLock<String> = LazyLock::new(|| format!("{PLAN} {RESULT}"));

/// Returns the statement for events that were read from an outbox, whose rows are its last parameter.
fn removing(table: &str) -> String {
    let new = "ARRAY(SELECT n.entry FROM unnest($7::text[], $19::bigint[]) n (id, entry)
        JOIN new ON new.id = n.id)";
    let remove = outbox::remove(table, new);
    format!("{PLAN}, removed AS ({remove}) {RESULT}")
}

/// The deliveries by columns.
#[derive(Default)]
struct Columns<'a> {
    events: Vec<&'a str>,
    endpoints: Vec<&'a str>,
    ids: Vec<Uuid>,
    states: Vec<i16>,
    times: Vec<i64>,
}

/// The result of the statement.
pub(super) struct PlannedOnce {
    /// The results of the events that were kept; `None` for others.
    pub results: Vec<Option<Planned>>,
    pub any_due: bool,
}

/// Returns whether the statement can plan these events.
fn is_simple(events: &[&PlannedEvent]) -> bool {
    let deliveries = || events.iter().flat_map(|event| &event.deliveries);
    let ids: BTreeSet<_> = events.iter().map(|event| event.event.id.as_str()).collect();
    ids.len() == events.len()
        && deliveries().count() <= MOST
        && events.iter().all(|event| !event.deliveries.is_empty())
        && deliveries().all(|delivery| {
            let is_pending = !matches!(delivery.start, InitialState::Dead(_));
            is_pending && !delivery.ordered && delivery.body.is_none()
        })
}

/// Plans the events of a call if they are simple. Returns `None`, without an effect, if they are not, or
/// if a condition is not met.
pub(super) async fn plan_once(
    session: &Session,
    call: &PlanCall<'_>,
    outbox: Option<&Rows<'_>>,
) -> FaultResult<Option<PlannedOnce>> {
    if call.accepted || !is_simple(&call.events) {
        return Ok(None);
    }
    let columns = columns(call)?;
    let events = EventColumns::of(call.events.iter().map(|event| &event.event));
    let endpoints: BTreeSet<&str> = columns.endpoints.iter().copied().collect();
    let endpoints: Vec<&str> = endpoints.into_iter().collect();
    let claims = columns.states.contains(&state::IN_FLIGHT);
    let version = i64::try_from(call.batch.version).unwrap_or(i64::MAX);
    let (now, fence) = (call.now.as_i64(), claim_number(call.batch.fence));
    let tenant = call.batch.tenant.as_str();
    let params: Params<'_> = &[
        &tenant,
        &version,
        &call.owner.incarnation,
        &endpoints,
        &claims,
        &now,
        &events.ids,
        &events.kinds,
        &events.times,
        &events.ordering_keys,
        &events.data,
        &events.sources,
        &fence,
        &columns.events,
        &columns.endpoints,
        &columns.ids,
        &columns.states,
        &columns.times,
    ];
    let rows = match outbox {
        None => session.rows(&PLAN_NEW, params).await?,
        Some(Rows { outbox, ids }) => {
            let params = [params, &[ids]].concat();
            let plan = outbox.plan_once.get_or_init(|| removing(&outbox.table));
            session.rows(plan, &params).await?
        }
    };
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    if !column::<bool>(row, 0)? {
        return Ok(None);
    }
    let new: HashSet<&str> = column::<Vec<&str>>(row, 1)?.into_iter().collect();
    let results = call.events.iter().map(|event| result(event, &new));
    Ok(Some(PlannedOnce {
        results: results.collect(),
        any_due: !new.is_empty() && columns.states.contains(&state::DUE),
    }))
}

fn columns<'a>(call: &PlanCall<'a>) -> FaultResult<Columns<'a>> {
    let mut columns = Columns::default();
    for event in &call.events {
        for delivery in &event.deliveries {
            let (state, at) = match delivery.start {
                InitialState::Due(at) => (state::DUE, at),
                _ => (state::IN_FLIGHT, call.now),
            };
            columns.events.push(event.event.id.as_str());
            columns.endpoints.push(delivery.endpoint.as_str());
            columns.ids.push(new_digest(&delivery.id)?);
            columns.states.push(state);
            columns.times.push(at.as_i64());
        }
    }
    Ok(columns)
}

/// Returns the result of an event, if it is new.
fn result(event: &PlannedEvent, new: &HashSet<&str>) -> Option<Planned> {
    let is_claimed = |start: &InitialState| *start == InitialState::Claimed;
    let claimed = event.deliveries.iter();
    let claimed = claimed.filter(|delivery| is_claimed(&delivery.start));
    new.contains(event.event.id.as_str()).then(|| Planned::New {
        claimed: claimed.map(|delivery| delivery.id.clone()).collect(),
    })
}
