//! Records the outcomes of claims.

use rusqlite::{OptionalExtension, params};
use webhook_model::{Attempt, Millis, Owner};

use super::attempts::{self, claim_mark};
use super::job::{FaultResult, Tx};
use super::lookup::ExistingEndpoints;
use super::outcome_counts::DeadCounts;
use super::queue::{Effect, Flight, Key, QueuePosition};
use super::row::{self, DELETED, state};
use crate::NextState;
use crate::erasure::ERASED;
use crate::unwritten::Recording;

const OUTCOME: &str = "UPDATE deliveries SET state = ?2, at = ?3, reason = ?4 WHERE seq = ?1";

const ATTEMPT: &str = "UPDATE deliveries SET state = ?2, at = ?3, reason = ?4, made = made + 1,
    attempts = CASE WHEN attempts IS NULL THEN ?5 ELSE attempts || ',' || ?5 END, status = ?6,
    exchanges = CASE WHEN ?7 IS NULL THEN exchanges WHEN exchanges IS NULL THEN ?7
        ELSE CAST(exchanges || ?7 AS BLOB) END
    WHERE seq = ?1";

const RECORDED: &str = "SELECT d.seq, d.state, d.reason, instr(coalesce(d.attempts, ''), ?3) > 0
    FROM deliveries d JOIN tenants t ON t.key = d.tenant
    WHERE d.seq = ?4 AND d.id = ?2 AND t.id = ?1";

const TURN: &str = "SELECT seq, at FROM deliveries INDEXED BY deliveries_chained
    WHERE endpoint = ?1 AND chain = ?2 AND state = 1 AND state < 2 ORDER BY seq LIMIT 1";

pub(super) fn complete(
    tx: &mut Tx<'_>,
    owner: &Owner,
    outcomes: &[crate::Outcome],
    now: Millis,
) -> FaultResult<Vec<Recording>> {
    let mut alive = ExistingEndpoints::new(tx.sql);
    let mut one = |outcome: &crate::Outcome| {
        let key = (outcome.tenant.clone(), outcome.id.clone());
        let Some(flight) = tx.flight(owner, outcome.fence, &key) else {
            return Ok(match is_recorded(tx, outcome)? {
                true => Recording::Repeated,
                false => Recording::Rejected,
            });
        };
        let next = match &outcome.next {
            NextState::Due(_) if flight.is_erased => &NextState::Dead(ERASED.into()),
            NextState::Due(_) if !alive.has(flight.endpoint_key)? => {
                &NextState::Dead(DELETED.into())
            }
            next => next,
        };
        write_outcome(tx, key, &flight, next, outcome.attempt.as_ref(), now)?;
        let is_dead = matches!(next, NextState::Dead(_));
        Ok(Recording::New { is_dead })
    };
    outcomes.iter().map(&mut one).collect()
}

/// Returns whether the outcome of a claim that is not in flight any more was recorded before.
fn is_recorded(tx: &Tx<'_>, outcome: &crate::Outcome) -> FaultResult<bool> {
    let Some(stored) = stored(tx, outcome)? else {
        return Ok(false);
    };
    let (seq, state, reason, has_attempt) = stored;
    let died_of = |wanted: &str| state == state::DEAD && reason.as_deref() == Some(wanted);
    Ok(match &outcome.next {
        _ if outcome.attempt.is_some() => has_attempt,
        NextState::Succeeded => state == state::SUCCEEDED,
        NextState::Dead(reason) => died_of(reason),
        NextState::Due(_) => {
            let is_pending = state <= state::WAITING && !tx.is_in_flight(seq);
            is_pending || died_of(DELETED) || died_of(ERASED)
        }
    })
}

/// A delivery's sequence number, state and reason, and whether it has an attempt of a claim.
type StoredOutcome = (i64, i64, Option<String>, bool);

/// Returns what is stored of a delivery.
fn stored(tx: &Tx<'_>, outcome: &crate::Outcome) -> FaultResult<Option<StoredOutcome>> {
    let mut found = tx.sql.prepare_cached(RECORDED)?;
    let (tenant, id) = (outcome.tenant.as_str(), row::delivery_id(&outcome.id));
    let claim = claim_mark(outcome.fence);
    for seq in tx.keys(row::delivery_hash((&id).into()))? {
        let row = found.query_row(params![tenant, id, claim, seq], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        });
        if let Some(stored) = row.optional()? {
            return Ok(Some(stored));
        }
    }
    Ok(None)
}

/// Returns claims without a live lease to the queue. Returns the number of those deliveries.
pub(super) fn return_claims(tx: &mut Tx<'_>, now: Millis) -> FaultResult<u64> {
    let mut alive = ExistingEndpoints::new(tx.sql);
    let orphans = tx.orphans();
    let count = orphans.len() as u64;
    if count > 0 {
        tx.then(Effect::ClaimsReturned);
    }
    let mut counts = DeadCounts::default();
    for (key, flight) in orphans {
        let since = flight.at.min(now.as_i64());
        let next = if flight.is_erased {
            NextState::Dead(ERASED.into())
        } else if alive.has(flight.endpoint_key)? {
            NextState::Due(super::row::millis(since))
        } else {
            NextState::Dead(DELETED.into())
        };
        write_outcome(tx, key, &flight, &next, None, now)?;
        if matches!(next, NextState::Dead(_)) {
            counts.add(flight.endpoint_key);
        }
    }
    counts.write(tx.sql, now)?;
    Ok(count)
}

/// Writes the outcome of a claim, which ends it.
fn write_outcome(
    tx: &mut Tx<'_>,
    key: Key,
    flight: &Flight,
    next: &NextState,
    attempt: Option<&Attempt>,
    now: Millis,
) -> FaultResult<()> {
    let (state, at, reason) = match next {
        NextState::Succeeded => (state::SUCCEEDED, now, None),
        NextState::Dead(reason) => (state::DEAD, now, Some(reason)),
        NextState::Due(at) => (state::DUE, *at, None),
    };
    let at = at.as_i64();
    match attempt {
        Some(attempt) => {
            let text = attempts::write(attempt, flight.fence)?;
            let exchange = Some(&attempt.exchange.as_bytes()[..]);
            // The response may contain what was erased.
            let exchange = exchange.filter(|bytes| !bytes.is_empty() && !flight.is_erased);
            let status = attempts::status(attempt);
            let mut update = tx.sql.prepare_cached(ATTEMPT)?;
            update.execute(params![
                flight.seq, state, at, reason, text, status, exchange
            ])?;
        }
        // A claim that is returned with its due time unchanged needs no write.
        None if state == state::DUE && at == flight.at => {}
        None => {
            let mut update = tx.sql.prepare_cached(OUTCOME)?;
            update.execute(params![flight.seq, state, at, reason])?;
        }
    }
    tx.then(Effect::Ended {
        key,
        seq: flight.seq,
    });
    if state == state::DUE {
        tx.then(Effect::Ready {
            endpoint_key: flight.endpoint_key,
            position: QueuePosition {
                at,
                seq: flight.seq,
            },
        });
        return Ok(());
    }
    tx.then(counted(flight, state));
    match &flight.ordering_group {
        Some(ordering_group) => promote(tx, flight.endpoint_key, ordering_group, now),
        None => Ok(()),
    }
}

/// Returns the change of the counts by the end of a delivery. An erased one counts as dead already.
fn counted(flight: &Flight, state: i64) -> Effect {
    let is_dead = i64::from(state == state::DEAD);
    let was_dead = i64::from(flight.is_erased);
    Effect::Counted {
        pending: was_dead - 1,
        dead: is_dead - was_dead,
    }
}

/// Makes the next delivery of an ordering group due.
pub(super) fn promote(
    tx: &mut Tx<'_>,
    endpoint_key: i64,
    ordering_group: &str,
    now: Millis,
) -> FaultResult<()> {
    let mut turn = tx.sql.prepare_cached(TURN)?;
    let next = turn.query_row((endpoint_key, ordering_group), |row| {
        Ok((row.get(0)?, row.get::<_, i64>(1)?))
    });
    let Some((seq, at)) = next.optional()? else {
        return Ok(());
    };
    let at = at.max(now.as_i64());
    let mut update = tx
        .sql
        .prepare_cached("UPDATE deliveries SET state = 0, at = ?2 WHERE seq = ?1")?;
    update.execute((seq, at))?;
    tx.then(Effect::Ready {
        endpoint_key,
        position: QueuePosition { at, seq },
    });
    Ok(())
}
