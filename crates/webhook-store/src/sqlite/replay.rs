//! Makes deliveries that ended due again, and those that wait for another attempt due at once.

use rusqlite::Connection;
use webhook_model::{DeliveryState, Millis, TenantId};

use super::job::{FaultResult, Step, Tx};
use super::lookup::{self, ExistingEndpoints};
use super::page::Mark;
use super::queue::{Effect, QueuePosition, Shared};
use super::reader::View;
use super::row::state;
use super::search::{Found, From, Search};
use crate::{CountedPart, Cursor, DeliveryFilter, ReplayBodies};

/// The maximum number of deliveries in a step.
const PART: usize = 250;

/// The letter of the cursors of a count.
const CURSOR: char = 'c';

/// An event without data was erased. The length of data is found without reading it.
const REPLAYABLE: &str = "SELECT d.endpoint, d.chain, d.state,
        length(e.data) = 0 OR (d.state = 0 AND d.made = 0)
    FROM deliveries d JOIN events e ON e.key = d.event WHERE d.seq = ?1";

/// An empty body is rendered when it is sent.
const AGAIN: &str = "UPDATE deliveries SET state = ?2, at = ?3, made = 0, reason = NULL,
    body = CASE WHEN ?4 THEN x'' ELSE body END WHERE seq = ?1";

const SOONER: &str = "UPDATE deliveries SET at = min(at, ?2), made = 0,
    body = CASE WHEN ?3 THEN x'' ELSE body END WHERE seq = ?1 RETURNING at";

/// Up to this number, pending deliveries are collected instead of scanned for.
const FEW: i64 = 10_000;

/// The progress of a replay. It goes from the oldest to the newest, to keep the order of ordered
/// deliveries.
pub(super) struct Replay {
    bodies: ReplayBodies,
    /// The last key when the replay began. Deliveries that are planned later are not replayed.
    last_key: Option<i64>,
    reached: Mark,
    count: u64,
}

impl Replay {
    pub fn new(bodies: ReplayBodies) -> Self {
        Self {
            bodies,
            last_key: None,
            reached: Mark::BOTTOM,
            count: 0,
        }
    }

    pub fn step(
        &mut self,
        tx: &mut Tx<'_>,
        tenant: &TenantId,
        filter: &DeliveryFilter,
        now: Millis,
    ) -> FaultResult<Step<u64>> {
        let last_key = *self.last_key.get_or_insert(tx.last_key());
        let (sql, shared) = (tx.sql, tx.shared());
        let flies = |seq| tx.is_in_flight(seq);
        let found = find(sql, shared, tenant, filter, (self.reached, last_key), flies)?;
        let mut alive = ExistingEndpoints::new(sql);
        for mark in &found.marks {
            let is_replayed = again(tx, mark.key, &mut alive, self.bodies, now)?;
            self.count += u64::from(is_replayed);
        }
        match next(&found) {
            Some(reached) => {
                self.reached = reached;
                Ok(Step::More)
            }
            None => Ok(Step::Done(self.count)),
        }
    }
}

/// Counts a part of the deliveries that a replay would make due, from a cursor on.
pub(super) fn count(
    view: &View<'_>,
    tenant: &TenantId,
    filter: &DeliveryFilter,
    cursor: Option<&Cursor>,
) -> FaultResult<CountedPart> {
    let from = Mark::above(CURSOR, cursor)?;
    let mut count = 0;
    let flies = |seq| view.shared.lock().in_flight.has(seq);
    let found = find(
        view.sql,
        view.shared,
        tenant,
        filter,
        (from, i64::MAX),
        flies,
    )?;
    let mut alive = ExistingEndpoints::new(view.sql);
    for mark in &found.marks {
        count += u64::from(replayable(view.sql, mark.key, &mut alive)?.is_some());
    }
    Ok(CountedPart {
        count,
        next_cursor: next(&found).map(|mark| mark.cursor(CURSOR)),
    })
}

/// Returns the position from which the next part continues; `None` at the end.
fn next(found: &Found) -> Option<Mark> {
    let last = found.marks.last().filter(|_| found.marks.len() == PART);
    found.reached.or(last.copied())
}

/// Returns a part of the matching deliveries that have ended, or of those that are pending if the filter
/// names that state, from a position on, whose keys are at most `last_key`.
fn find(
    sql: &Connection,
    shared: &Shared,
    tenant: &TenantId,
    filter: &DeliveryFilter,
    (reached, last_key): (Mark, i64),
    flies: impl Fn(i64) -> bool,
) -> FaultResult<Found> {
    let Some(search) = Search::new(sql, shared, tenant, filter)? else {
        return Ok(Found {
            marks: Vec::new(),
            reached: None,
        });
    };
    let from = From::Oldest(reached);
    let wanted = |state| filter.state.is_none_or(|wanted| wanted == state);
    let is_pending = filter.state == Some(DeliveryState::Pending);
    let keep = |seq, stored| match stored {
        _ if seq > last_key => false,
        state::SUCCEEDED => wanted(DeliveryState::Succeeded),
        state::DEAD => wanted(DeliveryState::Dead),
        state::DUE => is_pending && !flies(seq),
        _ => false,
    };
    match &search.only {
        Some(only) => search.pick(sql, only, from, PART, keep),
        None if is_pending && shared.lock().pending <= FEW => {
            search.pick(sql, &search.pending(sql)?, from, PART, keep)
        }
        None => search.scan(sql, from, PART, keep),
    }
}

/// Returns the endpoint, the ordering group and the state of a delivery that can be replayed: its
/// endpoint exists, its event was not erased, and an attempt has failed if it is pending.
fn replayable(
    sql: &Connection,
    seq: i64,
    alive: &mut ExistingEndpoints<'_>,
) -> FaultResult<Option<(i64, Option<String>, i64)>> {
    let mut found = sql.prepare_cached(REPLAYABLE)?;
    let read = |row: &rusqlite::Row<'_>| {
        let delivery: (i64, _, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok((delivery, row.get(3)?))
    };
    let (delivery, is_other): (_, bool) = found.query_row([seq], read)?;
    Ok((!is_other && alive.has(delivery.0)?).then_some(delivery))
}

/// Replays a delivery if it can be. It is due now, or waits for its ordering group.
fn again(
    tx: &mut Tx<'_>,
    seq: i64,
    alive: &mut ExistingEndpoints<'_>,
    bodies: ReplayBodies,
    now: Millis,
) -> FaultResult<bool> {
    let Some((endpoint_key, ordering_group, stored)) = replayable(tx.sql, seq, alive)? else {
        return Ok(false);
    };
    let is_deferred = bodies == ReplayBodies::Deferred;
    if stored == state::DUE {
        let mut sooner = tx.sql.prepare_cached(SOONER)?;
        let at = sooner.query_row((seq, now.as_i64(), is_deferred), |row| row.get(0))?;
        tx.then(Effect::Ready {
            endpoint_key,
            position: QueuePosition { at, seq },
        });
        return Ok(true);
    }
    let waits = match &ordering_group {
        Some(ordering_group) => lookup::is_busy(tx.sql, endpoint_key, ordering_group)?,
        None => false,
    };
    let (state, at) = (
        if waits { state::WAITING } else { state::DUE },
        now.as_i64(),
    );
    tx.sql
        .prepare_cached(AGAIN)?
        .execute((seq, state, at, is_deferred))?;
    tx.then(Effect::Counted {
        pending: 1,
        dead: -i64::from(stored == state::DEAD),
    });
    if !waits {
        tx.then(Effect::Ready {
            endpoint_key,
            position: QueuePosition { at, seq },
        });
    }
    Ok(true)
}

/// The SQL above contains this number.
const _: () = assert!(state::DUE == 0);
