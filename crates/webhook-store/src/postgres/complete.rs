//! Records the outcomes of claims, in one transaction.

use std::collections::HashSet;

use tokio_postgres::Row;
use uuid::Uuid;
use webhook_model::{Millis, Owner};

use super::PostgresStore;
use super::attempts::AttemptColumns;
use super::fault::{Fault, FaultResult};
use super::ordering::EndedGroups;
use super::outcome_counts::DeadCounts;
use super::row::{DELETED, DeliveryKey, claim_number, column, digest, state};
use super::session::{Params, Session, query};
use super::store::call;
use crate::erasure::ERASED;
use crate::unwritten::Recording;
use crate::{NextState, Result};

/// Locks endpoints against their deletion, before deliveries become due again.
const LOCK_ENDPOINTS: &str = "SELECT FROM endpoints WHERE key = ANY(ARRAY(
        SELECT d.endpoint FROM unnest($1::uuid[]) n (id) JOIN deliveries d ON d.id = n.id
    )) ORDER BY key FOR SHARE";

/// Ends claims of an owner. A delivery whose endpoint was deleted, or whose event was erased, is not due
/// again.
const COMPLETE: &str = "UPDATE deliveries d SET
        state = CASE WHEN n.state = 0 AND (p.definition IS NULL OR d.erased) THEN 4
            ELSE n.state END,
        at = CASE WHEN n.state = 0 AND p.definition IS NOT NULL AND NOT d.erased THEN n.at
            ELSE $8 END,
        reason = CASE WHEN n.state = 0 AND d.erased THEN $12::bytea
            WHEN n.state = 0 AND p.definition IS NULL THEN $9::bytea ELSE n.reason END,
        attempts = d.attempts + n.made,
        status = CASE WHEN n.made = 1 THEN n.status ELSE d.status END,
        owner = NULL, fence = NULL
    FROM unnest($2::uuid[], $3::text[], $4::bigint[], $5::smallint[], $6::bigint[], $7::bytea[],
            $10::int[], $11::int[])
        WITH ORDINALITY n (id, tenant, fence, state, at, reason, made, status, number),
        owners o, tenants t, endpoints p
    WHERE d.id = n.id AND d.state + 0 = 2 AND d.fence = n.fence
        AND o.incarnation = $1 AND o.key = d.owner
        AND t.key = d.tenant AND t.id = n.tenant
        AND p.key = d.endpoint
    RETURNING n.number, d.event, d.endpoint, d.attempts, d.state, d.tenant, d.ordering_group,
        d.erased";

/// Selects the deliveries of outcomes whose claims have ended.
const RECORDED: &str = "SELECT n.number, d.state, d.reason, EXISTS (
        SELECT FROM attempts a
        WHERE a.event = d.event AND a.endpoint = d.endpoint AND a.claim = n.fence
    )
    FROM unnest($1::uuid[], $2::text[], $3::bigint[])
        WITH ORDINALITY n (id, tenant, fence, number)
    JOIN deliveries d ON d.id = n.id
    JOIN tenants t ON t.key = d.tenant AND t.id = n.tenant";

impl PostgresStore {
    pub(super) async fn record_outcomes(
        &self,
        owner: &Owner,
        outcomes: &[crate::Outcome],
        now: Millis,
    ) -> Result<Vec<bool>> {
        if outcomes.is_empty() {
            return Ok(Vec::new());
        }
        let completed = call!(self, session => complete(&session, owner, outcomes, now).await)?;
        let recordings = completed.recordings;
        let recorded = outcomes.iter().zip(recordings.iter().copied());
        let recorded = self.in_flight.end_all(&owner.incarnation, recorded);
        self.unwritten.count(&recorded, now);
        if completed.any_due {
            self.listener.announce();
        }
        Ok(recordings.into_iter().map(Recording::is_recorded).collect())
    }
}

struct Completed {
    recordings: Vec<Recording>,
    any_due: bool,
}

/// The outcomes by columns. Only the first outcome of a claim can end it.
#[derive(Default)]
struct Columns<'a> {
    indices: Vec<usize>,
    ids: Vec<Uuid>,
    tenants: Vec<&'a str>,
    fences: Vec<i64>,
    states: Vec<i16>,
    times: Vec<i64>,
    reasons: Vec<Option<&'a [u8]>>,
    made: Vec<i32>,
    /// The statuses of the attempts; 0 for one without a response.
    statuses: Vec<i32>,
    /// The deliveries that are to be due again.
    due: Vec<Uuid>,
}

impl<'a> Columns<'a> {
    fn of(outcomes: &'a [crate::Outcome]) -> Self {
        let mut columns = Self::default();
        let mut seen = HashSet::with_capacity(outcomes.len());
        for (index, outcome) in outcomes.iter().enumerate() {
            // An id in another form is of no delivery.
            if let Some(id) = digest(&outcome.id)
                && seen.insert((id, outcome.fence))
            {
                columns.add(index, id, outcome);
            }
        }
        columns
    }

    fn add(&mut self, index: usize, id: Uuid, outcome: &'a crate::Outcome) {
        let (state, at, reason) = match &outcome.next {
            NextState::Succeeded => (state::SUCCEEDED, 0, None),
            NextState::Due(at) => (state::DUE, at.as_i64(), None),
            NextState::Dead(reason) => (state::DEAD, 0, Some(reason.as_bytes())),
        };
        if state == state::DUE {
            self.due.push(id);
        }
        self.indices.push(index);
        self.ids.push(id);
        self.tenants.push(outcome.tenant.as_str());
        self.fences.push(claim_number(outcome.fence));
        self.states.push(state);
        self.times.push(at);
        self.reasons.push(reason);
        self.made.push(i32::from(outcome.attempt.is_some()));
        let status = outcome.attempt.as_ref().and_then(|attempt| attempt.status);
        self.statuses.push(status.unwrap_or(0).into());
    }
}

async fn complete(
    session: &Session,
    owner: &Owner,
    outcomes: &[crate::Outcome],
    now: Millis,
) -> FaultResult<Completed> {
    let columns = Columns::of(outcomes);
    let rows = end_claims(session, owner, &columns, now).await?;
    let mut recordings = vec![Recording::Rejected; outcomes.len()];
    let mut attempts = AttemptColumns::default();
    let mut ended = EndedGroups::default();
    let mut any_due = false;
    for row in &rows {
        let row = EndedRow::read(row)?;
        let index = columns.indices.get(row.position);
        let index = *index.ok_or_else(|| Fault::Unreadable("an unknown outcome".into()))?;
        recordings[index] = Recording::New {
            is_dead: row.state == state::DEAD,
        };
        if let Some(attempt) = &outcomes[index].attempt {
            let fence = outcomes[index].fence;
            attempts.add(row.key, row.attempts, fence, attempt, row.is_erased);
        }
        match row.ordering_group {
            _ if row.state == state::DUE => any_due = true,
            Some(group) => {
                ended.add(row.tenant, (row.key.endpoint, group));
                any_due = true;
            }
            None => {}
        }
    }
    let others: Vec<usize> = (0..outcomes.len())
        .filter(|index| recordings[*index] == Recording::Rejected)
        .collect();
    let writes = Writes { attempts, ended };
    for index in finish(session, outcomes, &others, writes, now).await? {
        recordings[index] = Recording::Repeated;
    }
    Ok(Completed {
        recordings,
        any_due,
    })
}

/// The rest of the writes of a call.
struct Writes<'a> {
    attempts: AttemptColumns<'a>,
    ended: EndedGroups,
}

/// A delivery whose claim has ended.
struct EndedRow {
    /// Its position among the columns.
    position: usize,
    key: DeliveryKey,
    attempts: i32,
    state: i16,
    tenant: i32,
    ordering_group: Option<Uuid>,
    is_erased: bool,
}

impl EndedRow {
    fn read(row: &Row) -> FaultResult<Self> {
        let number: i64 = column(row, 0)?;
        Ok(Self {
            position: usize::try_from(number - 1).unwrap_or(usize::MAX),
            key: DeliveryKey {
                event: column(row, 1)?,
                endpoint: column(row, 2)?,
            },
            attempts: column(row, 3)?,
            state: column(row, 4)?,
            tenant: column(row, 5)?,
            ordering_group: column(row, 6)?,
            is_erased: column(row, 7)?,
        })
    }
}

async fn end_claims(
    session: &Session,
    owner: &Owner,
    columns: &Columns<'_>,
    now: Millis,
) -> FaultResult<Vec<Row>> {
    let (now, deleted) = (now.as_i64(), DELETED.as_bytes());
    let erased = ERASED.as_bytes();
    let lock: Params<'_> = &[&columns.due];
    let complete: Params<'_> = &[
        &owner.incarnation,
        &columns.ids,
        &columns.tenants,
        &columns.fences,
        &columns.states,
        &columns.times,
        &columns.reasons,
        &now,
        &deleted,
        &columns.made,
        &columns.statuses,
        &erased,
    ];
    let all = [query(LOCK_ENDPOINTS, lock), query(COMPLETE, complete)];
    let needed = if columns.due.is_empty() {
        &all[1..]
    } else {
        &all[..]
    };
    let mut rows = session.begin(needed).await?;
    Ok(rows.pop().unwrap_or_default())
}

/// Keeps the attempts. Returns those of the other outcomes that were recorded before.
async fn finish(
    session: &Session,
    outcomes: &[crate::Outcome],
    others: &[usize],
    writes: Writes<'_>,
    now: Millis,
) -> FaultResult<Vec<usize>> {
    let others: Vec<_> = others
        .iter()
        .filter_map(|index| Some((*index, digest(&outcomes[*index].id)?)))
        .collect();
    let ids: Vec<Uuid> = others.iter().map(|(_, id)| *id).collect();
    let of = |(index, _): &(usize, Uuid)| &outcomes[*index];
    let tenants: Vec<&str> = others
        .iter()
        .map(|other| of(other).tenant.as_str())
        .collect();
    let fences: Vec<i64> = others
        .iter()
        .map(|other| claim_number(of(other).fence))
        .collect();
    let params: Params<'_> = &[&ids, &tenants, &fences];
    let kept = writes.attempts.params();
    let mut last = Vec::new();
    if !writes.attempts.is_empty() {
        // Before the check: an outcome may be in the call twice.
        last.push(query(AttemptColumns::INSERT, &kept));
    }
    if !others.is_empty() {
        last.push(query(RECORDED, params));
    }
    let no_counts = DeadCounts::default();
    let rows = writes.ended.commit(session, &last, no_counts, now).await?;
    let mut repeated = Vec::new();
    if others.is_empty() {
        return Ok(repeated);
    }
    let checked = rows.get(last.len() - 1).map_or(&[][..], Vec::as_slice);
    for row in checked {
        let number: i64 = column(row, 0)?;
        let other = usize::try_from(number - 1).ok().and_then(|n| others.get(n));
        if let Some((index, _)) = other
            && is_recorded(row, &outcomes[*index])?
        {
            repeated.push(*index);
        }
    }
    Ok(repeated)
}

/// Returns whether the outcome of a claim that is not in flight any more was recorded before.
fn is_recorded(row: &Row, outcome: &crate::Outcome) -> FaultResult<bool> {
    let (state, reason): (i16, Option<&[u8]>) = (column(row, 1)?, column(row, 2)?);
    let died_of = |wanted: &str| state == state::DEAD && reason == Some(wanted.as_bytes());
    Ok(match &outcome.next {
        _ if outcome.attempt.is_some() => column(row, 3)?,
        NextState::Succeeded => state == state::SUCCEEDED,
        NextState::Dead(reason) => died_of(reason),
        NextState::Due(_) => {
            let is_pending = state == state::DUE || state == state::WAITING;
            is_pending || died_of(DELETED) || died_of(ERASED)
        }
    })
}
