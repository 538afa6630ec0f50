//! Makes deliveries that ended due again, and those that wait for another attempt due at once.

use std::collections::BTreeSet;

use tokio_postgres::Row;
use uuid::Uuid;
use webhook_model::{DeliveryState, Millis, TenantId};

use super::PostgresStore;
use super::fault::FaultResult;
use super::list::read_mark;
use super::mark::Mark;
use super::ordering::{BUSY, Group, busy_groups};
use super::row::{column, state};
use super::search::{From, Search, stored_states};
use super::session::{Params, Session, query};
use super::store::{AT_A_TIME, call};
use crate::{CountedPart, Cursor, DeliveryFilter, ReplayBodies, Result};

/// Locks the tenant against changes of its endpoints and of its ordering groups.
const LOCK: &str = "SELECT FROM tenants WHERE id = $1 FOR NO KEY UPDATE";

const LAST_EVENT: &str = "SELECT last_value FROM events_key_seq";

/// A pending delivery is replayed after an attempt has failed.
const COLUMNS: &str = "d.created_at, d.event, d.endpoint, d.ordering_group,
        p.definition IS NOT NULL AND NOT d.erased AND (d.state <> 0 OR d.attempts > d.earlier)";

const JOINS: &str = "JOIN endpoints p ON p.key = d.endpoint";

/// An empty body is rendered when it is sent.
const AGAIN: &str = "WITH again AS (
        UPDATE deliveries d
        SET state = n.state, at = CASE WHEN $6 THEN least(d.at, $4) ELSE $4 END,
            earlier = d.attempts, reason = NULL
        FROM unnest($1::bigint[], $2::int[], $3::smallint[]) n (event, endpoint, state)
        WHERE d.event = n.event AND d.endpoint = n.endpoint AND NOT d.erased
            AND CASE WHEN $6 THEN d.state + 0 = 0 AND d.attempts > d.earlier
                ELSE d.state + 0 IN (3, 4) END
        RETURNING d.event, d.endpoint
    ), deferred AS (
        INSERT INTO bodies (event, endpoint, body)
        SELECT event, endpoint, ''::bytea FROM again WHERE $5
        ON CONFLICT (event, endpoint) DO UPDATE SET body = excluded.body
    )
    SELECT count(*) FROM again";

/// The result of a step.
struct Step {
    count: u64,
    /// The position from which the next step continues; `None` at the end.
    reached: Option<Mark>,
}

impl PostgresStore {
    /// Goes from the oldest to the newest in steps, to keep the order of ordered deliveries.
    pub(super) async fn replay_matching(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
        bodies: ReplayBodies,
        now: Millis,
    ) -> Result<u64> {
        let Some(search) = search(tenant, filter) else {
            return Ok(0);
        };
        let rows = call!(self, session => session.rows(LAST_EVENT, &[]).await)?;
        let last_event = rows.first().map_or(Ok(0), |row| column(row, 0));
        // Deliveries that are planned later are not replayed.
        let last_event: i64 = last_event.map_err(|fault| self.failed(fault))?;
        let (mut reached, mut count) = (Some(Mark::BOTTOM), 0);
        while let Some(mark) = reached {
            let step = call!(self, session => {
                replay_some(&session, &search, mark, last_event, (bodies, now)).await
            })?;
            if step.count > 0 {
                self.listener.announce();
            }
            (reached, count) = (step.reached, count + step.count);
        }
        Ok(count)
    }

    /// Counts a part of the deliveries that a replay would make due.
    pub(super) async fn count_matching(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
        cursor: Option<&Cursor>,
    ) -> Result<CountedPart> {
        let mark = Mark::above(cursor)?;
        let Some(search) = search(tenant, filter) else {
            return Ok(CountedPart::default());
        };
        let (some, reached) = call!(self, session => find_some(&session, &search, mark).await)?;
        Ok(CountedPart {
            count: some.iter().filter(|one| one.is_replayable).count() as u64,
            next_cursor: reached.map(|mark| mark.cursor()),
        })
    }
}

fn is_pending(filter: &DeliveryFilter) -> bool {
    filter.state == Some(DeliveryState::Pending)
}

/// Returns the search for deliveries that have ended, or that are due if the filter's state is pending;
/// `None` if the filter selects none of them.
fn search<'a>(tenant: &'a TenantId, filter: &'a DeliveryFilter) -> Option<Search<'a>> {
    let mut states = stored_states(filter.state);
    let is_pending = is_pending(filter);
    states.retain(|state| *state >= state::SUCCEEDED || (is_pending && *state == state::DUE));
    (!states.is_empty()).then_some(Search {
        tenant,
        filter,
        states,
    })
}

/// Returns a part of the deliveries from a position on, and the position of the next part; `None` at
/// the end.
async fn find_some(
    session: &Session,
    search: &Search<'_>,
    from: Mark,
) -> FaultResult<(Vec<Ended>, Option<Mark>)> {
    let most = AT_A_TIME as usize;
    let found = search
        .run(session, From::Oldest(from), most, COLUMNS, JOINS)
        .await?;
    let reached = match found.rows.last() {
        Some(last) if found.rows.len() == most => Some(read_mark(last)?),
        _ => found.reached,
    };
    let ended: FaultResult<Vec<Ended>> = found.rows.iter().map(Ended::read).collect();
    Ok((ended?, reached))
}

async fn replay_some(
    session: &Session,
    search: &Search<'_>,
    from: Mark,
    last_event: i64,
    (bodies, now): (ReplayBodies, Millis),
) -> FaultResult<Step> {
    session
        .begin(&[query(LOCK, &[&search.tenant.as_str()])])
        .await?;
    let (mut ended, reached) = find_some(session, search, from).await?;
    ended.retain(|one| one.is_replayable && one.mark.key.event <= last_event);
    let count = replay(session, &ended, (bodies, is_pending(search.filter)), now).await?;
    Ok(Step { count, reached })
}

/// A delivery that has ended, or waits for another attempt.
struct Ended {
    mark: Mark,
    ordering_group: Option<Uuid>,
    /// True if its endpoint exists, and its event was not erased.
    is_replayable: bool,
}

impl Ended {
    fn read(row: &Row) -> FaultResult<Self> {
        Ok(Self {
            mark: read_mark(row)?,
            ordering_group: column(row, 3)?,
            is_replayable: column(row, 4)?,
        })
    }

    fn group(&self) -> Option<Group> {
        Some((self.mark.key.endpoint, self.ordering_group?))
    }
}

/// Makes these deliveries due, or lets them wait for their groups, and commits. Returns their number.
async fn replay(
    session: &Session,
    ended: &[Ended],
    (bodies, is_pending): (ReplayBodies, bool),
    now: Millis,
) -> FaultResult<u64> {
    let groups: BTreeSet<Group> = ended.iter().filter_map(Ended::group).collect();
    let mut busy = BTreeSet::new();
    if !groups.is_empty() {
        let (endpoints, groups): (Vec<_>, Vec<_>) = groups.into_iter().unzip();
        busy = busy_groups(&session.rows(BUSY, &[&endpoints, &groups]).await?)?;
    }
    let events: Vec<i64> = ended.iter().map(|one| one.mark.key.event).collect();
    let endpoints: Vec<i32> = ended.iter().map(|one| one.mark.key.endpoint).collect();
    // A pending delivery is the current one of its group.
    let mut waits =
        |one: &Ended| !is_pending && one.group().is_some_and(|group| !busy.insert(group));
    let state = |waits| if waits { state::WAITING } else { state::DUE };
    let states: Vec<i16> = ended.iter().map(|one| state(waits(one))).collect();
    let (now, is_deferred) = (now.as_i64(), bodies == ReplayBodies::Deferred);
    let params: Params<'_> = &[
        &events,
        &endpoints,
        &states,
        &now,
        &is_deferred,
        &is_pending,
    ];
    let rows = session.commit(&[query(AGAIN, params)]).await?;
    let count = rows.iter().flatten().next();
    Ok(count
        .map_or(Ok(0), |row| column::<i64>(row, 0))?
        .unsigned_abs())
}
