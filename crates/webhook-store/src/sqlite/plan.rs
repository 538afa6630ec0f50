//! Keeps events and creates their deliveries.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{OptionalExtension, params};
use webhook_model::{DeliveryId, EndpointId, Event, Millis, Owner, TenantId};

use super::accept::{self, NewEvent};
use super::claim_guard::{ClaimGuard, ClaimReturn};
use super::job::{FaultResult, Tx};
use super::lookup;
use super::outcome_counts::DeadCounts;
use super::queue::{Effect, Flight, Key, NO_LEASE, QueuePosition};
use super::row::{self, state};
use crate::{
    Fence, InitialState, NewDelivery, PlanBatch, PlanResult, Planned, PlannedEvent, StoreError,
};

const DELIVERY: &str = "INSERT INTO deliveries
    (seq, tenant, endpoint, event, state, at, created_at, made, id, chain, reason, body)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9, ?10, ?11)";

/// Plans a batch. Claims are returned by `claim_return` if the caller has stopped waiting.
pub(super) fn plan(
    tx: &mut Tx<'_>,
    claim_return: &ClaimReturn,
    owner: &Owner,
    batch: &PlanBatch,
    now: Millis,
) -> FaultResult<ClaimGuard<PlanResult>> {
    let (tenant, version) = lookup::known_tenant(tx.sql, &batch.tenant)?;
    if version != batch.version {
        return Ok(claim_return.guard(PlanResult::Stale, Vec::new(), NO_LEASE));
    }
    let may_have_backlog = !batch.accepted && tx.may_have_backlog(&batch.tenant);
    if may_have_backlog && accept::has_backlog(tx.sql, tenant)? {
        return Ok(claim_return.guard(PlanResult::Backlog, Vec::new(), NO_LEASE));
    }
    let mut planner = Planner {
        tenant,
        accepted: batch.accepted,
        name: &batch.tenant,
        lease: lease(tx, owner, batch)?,
        owner: owner.incarnation.as_str().into(),
        fence: batch.fence,
        endpoints: HashMap::new(),
        claimed: Vec::new(),
        counts: DeadCounts::default(),
        now,
    };
    let planned = batch.events.iter().map(|event| planner.event(tx, event));
    let planned = PlanResult::Done(planned.collect::<FaultResult<_>>()?);
    planner.counts.write(tx.sql, now)?;
    Ok(claim_return.guard(planned, planner.claimed, planner.lease))
}

/// Returns the number of the lease for deliveries that start claimed.
fn lease(tx: &Tx<'_>, owner: &Owner, batch: &PlanBatch) -> FaultResult<u64> {
    let claims = |event: &PlannedEvent| {
        event
            .deliveries
            .iter()
            .any(|one| one.start == InitialState::Claimed)
    };
    match tx.queue().leases.of(owner) {
        Some(lease) => Ok(lease),
        None if batch.events.iter().any(claims) => {
            Err(StoreError::LeaseLost(owner.name.clone()).into())
        }
        None => Ok(NO_LEASE),
    }
}

struct Planner<'a> {
    tenant: i64,
    /// True if the events were accepted before.
    accepted: bool,
    name: &'a TenantId,
    lease: u64,
    owner: Arc<str>,
    fence: Fence,
    /// The keys of endpoints looked up so far; `None` for one that does not exist.
    endpoints: HashMap<EndpointId, Option<i64>>,
    /// The deliveries that start claimed.
    claimed: Vec<Key>,
    /// The deliveries that start as dead letters.
    counts: DeadCounts,
    now: Millis,
}

/// The state in which a delivery is written.
struct InitialRow<'a> {
    state: i64,
    at: i64,
    claimed: bool,
    reason: Option<&'a str>,
}

impl Planner<'_> {
    fn event(&mut self, tx: &mut Tx<'_>, planned: &PlannedEvent) -> FaultResult<Planned> {
        let kept = if self.accepted {
            self.keep_accepted(tx, planned)?
        } else {
            self.keep(tx, planned)?
        };
        let (key, first) = match kept {
            Ok(keys) => keys,
            Err(known) => return Ok(known),
        };
        let mut claimed = Vec::new();
        for (seq, delivery) in (first..).zip(&planned.deliveries) {
            if self.delivery(tx, key, seq, &planned.event, delivery)? {
                claimed.push(delivery.id.clone());
            }
        }
        Ok(Planned::New { claimed })
    }

    /// Keeps a new event. Returns its key and that of its first delivery, or the result for a known
    /// id.
    fn keep(
        &self,
        tx: &mut Tx<'_>,
        planned: &PlannedEvent,
    ) -> FaultResult<Result<(i64, i64), Planned>> {
        let new = NewEvent::new(self.tenant, &planned.event);
        match new.is_same(tx)? {
            Some(true) => return Ok(Err(Planned::Known)),
            Some(false) => return Ok(Err(Planned::Conflict)),
            None => {}
        }
        let count = planned.deliveries.len();
        let key = tx.reserve(1 + count);
        new.insert(tx, key, count as i64, self.now)?;
        Ok(Ok((key, key + 1)))
    }

    /// Plans an accepted event. Returns the same as [`keep`](Self::keep). An event that is not the
    /// first accepted one is planned already.
    fn keep_accepted(
        &self,
        tx: &mut Tx<'_>,
        planned: &PlannedEvent,
    ) -> FaultResult<Result<(i64, i64), Planned>> {
        let found = accept::take_first(tx, self.tenant, self.name, &planned.event.id)?;
        let Some(event) = found else {
            return Ok(Err(Planned::Known));
        };
        let count = planned.deliveries.len();
        let first = tx.reserve(count);
        accept::set_planned(tx, event, first, count as i64)?;
        Ok(Ok((event, first)))
    }

    /// Creates a delivery. Returns whether it is in flight.
    fn delivery(
        &mut self,
        tx: &mut Tx<'_>,
        key: i64,
        seq: i64,
        event: &Event,
        new: &NewDelivery,
    ) -> FaultResult<bool> {
        let alive = self.endpoint(tx, &new.endpoint)?;
        let endpoint_key = match alive {
            Some(endpoint_key) => endpoint_key,
            None => deleted_endpoint_key(tx, self.tenant, &new.endpoint)?,
        };
        let ordering_group = new
            .ordered
            .then(|| row::ordering_group(event.ordering_key.as_deref()));
        let begins = self.beginning(tx, new, alive, ordering_group.as_deref())?;
        let id = row::delivery_id(&new.id);
        tx.sql.prepare_cached(DELIVERY)?.execute(params![
            seq,
            self.tenant,
            endpoint_key,
            key,
            begins.state,
            begins.at,
            self.now.as_i64(),
            id,
            ordering_group,
            begins.reason,
            new.body.as_deref(),
        ])?;
        tx.add_id(row::delivery_hash((&id).into()), seq);
        if begins.state == state::DEAD {
            self.counts.add(endpoint_key);
        }
        self.effects(
            tx,
            &new.id,
            endpoint_key,
            QueuePosition { at: begins.at, seq },
            &begins,
            ordering_group,
        );
        Ok(begins.claimed)
    }

    fn beginning<'n>(
        &self,
        tx: &Tx<'_>,
        new: &'n NewDelivery,
        alive: Option<i64>,
        ordering_group: Option<&str>,
    ) -> FaultResult<InitialRow<'n>> {
        let now = self.now.as_i64();
        let dead = |reason| InitialRow {
            state: state::DEAD,
            at: now,
            claimed: false,
            reason: Some(reason),
        };
        let (at, claimed) = match (&new.start, alive) {
            (InitialState::Dead(reason), _) => return Ok(dead(reason)),
            (_, None) => return Ok(dead(row::DELETED)),
            (InitialState::Due(at), _) => (at.as_i64(), false),
            (InitialState::Claimed, _) => (now, true),
        };
        let waits = match (alive, ordering_group) {
            (Some(endpoint_key), Some(ordering_group)) => {
                lookup::is_busy(tx.sql, endpoint_key, ordering_group)?
            }
            _ => false,
        };
        let state = if waits { state::WAITING } else { state::DUE };
        Ok(InitialRow {
            state,
            at,
            claimed: claimed && !waits,
            reason: None,
        })
    }

    fn effects(
        &mut self,
        tx: &mut Tx<'_>,
        id: &DeliveryId,
        endpoint_key: i64,
        position: QueuePosition,
        begins: &InitialRow<'_>,
        ordering_group: Option<String>,
    ) {
        let dead = i64::from(begins.state == state::DEAD);
        tx.then(Effect::Counted {
            pending: 1 - dead,
            dead,
        });
        if begins.claimed {
            let key = (self.name.clone(), id.clone());
            self.claimed.push(key.clone());
            let (lease, ordering_group) = (self.lease, ordering_group.map(Into::into));
            let flight = Flight {
                seq: position.seq,
                endpoint_key,
                lease,
                owner: self.owner.clone(),
                fence: self.fence,
                at: position.at,
                ordering_group,
                is_erased: false,
            };
            tx.then(Effect::Claimed { key, flight });
        } else if begins.state == state::DUE {
            tx.then(Effect::Ready {
                endpoint_key,
                position,
            });
        }
    }

    /// Returns the key of an endpoint, or `None` if it does not exist.
    fn endpoint(&mut self, tx: &Tx<'_>, id: &EndpointId) -> FaultResult<Option<i64>> {
        if let Some(known) = self.endpoints.get(id) {
            return Ok(*known);
        }
        let mut found = tx.sql.prepare_cached(
            "SELECT key FROM endpoints WHERE tenant = ?1 AND id = ?2 AND definition IS NOT NULL",
        )?;
        let key = found
            .query_row((self.tenant, id.as_str()), |row| row.get(0))
            .optional()?;
        self.endpoints.insert(id.clone(), key);
        Ok(key)
    }
}

/// Returns the key of an endpoint that does not exist, for its dead deliveries to refer to.
fn deleted_endpoint_key(tx: &Tx<'_>, tenant: i64, id: &EndpointId) -> FaultResult<i64> {
    if let Some(key) = lookup::endpoint(tx.sql, tenant, id)? {
        return Ok(key);
    }
    tx.sql
        .prepare_cached(
            "INSERT INTO endpoints (tenant, id, version, enabled) VALUES (?1, ?2, 0, 0)",
        )?
        .execute((tenant, id.as_str()))?;
    Ok(tx.sql.last_insert_rowid())
}
