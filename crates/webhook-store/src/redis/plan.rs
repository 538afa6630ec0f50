//! Plans events, with one script call for a few hundred of them.

use std::collections::{HashMap, HashSet};

use webhook_model::{DeliveryId, EventId, Millis, Owner};

use super::RedisStore;
use super::claim::in_flight_prefix;
use super::keys::TenantKeys;
use super::plan_call::{CallScores, Claimer, PlanCall};
use super::scripts::PLAN;
use super::store::AT_A_TIME;
use crate::{
    InitialState, NewDelivery, PlanBatch, PlanResult, Planned, PlannedEvent, Result, StoreError,
};

/// The maximum numbers of deliveries and bytes in one script call, unless a single event has more.
const DELIVERIES_AT_A_TIME: usize = 4 * AT_A_TIME;
const BYTES_AT_A_TIME: usize = 8 << 20;

/// The reply of a script call.
enum PlanReply {
    Stale,
    /// The tenant has accepted events, which come first.
    Backlog,
    /// The events at these indices are known, with the result for each. Nothing was kept.
    Known(Vec<(usize, Planned)>),
    /// The events were kept. `waiting` lists the ordered deliveries that wait for their group.
    Done {
        waiting: HashSet<DeliveryId>,
    },
}

impl RedisStore {
    pub(super) async fn plan_batch(
        &self,
        owner: &Owner,
        batch: PlanBatch,
        now: Millis,
    ) -> Result<PlanResult> {
        self.return_lost_claims(owner, now).await?;
        let (tenant, fence) = (&batch.tenant, batch.fence);
        let claimer = Claimer {
            owner,
            in_flight_prefix: in_flight_prefix(owner, fence),
        };
        let tracked = if claims_any(&batch.events) {
            Some(self.in_flight.track(owner, vec![tenant.clone()]).await?)
        } else {
            None
        };
        let mut results = vec![Planned::Known; batch.events.len()];
        let rounds = parts(&batch.events).into_iter();
        'rounds: for mut new in rounds.flat_map(|part| rounds_of_distinct_ids(part, &batch.events))
        {
            // A batch usually has no known events, so it is sent whole first.
            while !new.is_empty() {
                let events = new.iter().map(|at| &batch.events[*at]).collect::<Vec<_>>();
                match self.plan_some(&claimer, &batch, &events, now).await? {
                    PlanReply::Stale => return Ok(PlanResult::Stale),
                    PlanReply::Backlog => match new.iter().min() {
                        // The caller gets the results of the events before, and accepts the others.
                        Some(&kept) if kept > 0 => {
                            results.truncate(kept);
                            break 'rounds;
                        }
                        _ => return Ok(PlanResult::Backlog),
                    },
                    PlanReply::Known(known) => set_results(&mut new, known, &mut results),
                    PlanReply::Done { waiting } => {
                        for (at, event) in new.drain(..).zip(events) {
                            results[at] = Planned::New {
                                claimed: claimed(event, &waiting),
                            };
                        }
                    }
                }
            }
        }
        let claimed = results.iter().flat_map(|planned| match planned {
            Planned::New { claimed } => claimed.as_slice(),
            Planned::Known | Planned::Conflict => &[],
        });
        if let Some(tracked) = tracked {
            tracked.finish(fence, claimed.map(|id| (tenant, id)));
        }
        if self.link.address().is_cluster() && results.contains(&Planned::Known) {
            // A cluster's client may have repeated the call that made them known.
            self.in_flight.suspect(&owner.incarnation, tenant);
        }
        Ok(PlanResult::Done(results))
    }

    async fn plan_some(
        &self,
        claimer: &Claimer<'_>,
        batch: &PlanBatch,
        events: &[&PlannedEvent],
        now: Millis,
    ) -> Result<PlanReply> {
        let PlanBatch {
            tenant,
            version,
            accepted,
            ..
        } = batch;
        let deliveries = events.iter().map(|event| event.deliveries.len()).sum();
        let keys = TenantKeys::of(tenant);
        let scores = CallScores {
            event: self.event_scores.first(now, events.len()),
            deliveries: Box::new(self.delivery_scores.next(now, deliveries)),
        };
        let mut writer = PlanCall::new(&keys, claimer, *accepted, now, scores);
        let call = writer.call(*version, events);
        let mut reply: Vec<redis::Value> = self.run(&PLAN, &call).await?;
        let rest = reply.split_off(reply.len().min(1));
        let word: String = self.value(reply.pop())?;
        match word.as_str() {
            "unknown" => Err(StoreError::UnknownTenant(tenant.clone())),
            "stale" => Ok(PlanReply::Stale),
            "backlog" => Ok(PlanReply::Backlog),
            "known" => {
                let indices = rest
                    .into_iter()
                    .map(|index| Ok(known(self.value::<i64>(Some(index))?)));
                Ok(PlanReply::Known(indices.collect::<Result<_>>()?))
            }
            _ => {
                let mut rest = rest.into_iter();
                let lowered: String = self.value(rest.next())?;
                self.publish_wake(tenant, &lowered).await;
                let id = |id| {
                    DeliveryId::parse(&self.value::<String>(Some(id))?)
                        .map_err(|error| self.failed(error))
                };
                Ok(PlanReply::Done {
                    waiting: rest.map(id).collect::<Result<_>>()?,
                })
            }
        }
    }

    fn value<T: redis::FromRedisValue>(&self, value: Option<redis::Value>) -> Result<T> {
        let value = value.unwrap_or(redis::Value::Nil);
        redis::from_redis_value(value).map_err(|error| self.failed(error))
    }
}

/// Returns whether any delivery starts claimed. Other batches need no lease.
fn claims_any(events: &[PlannedEvent]) -> bool {
    let mut deliveries = events.iter().flat_map(|event| &event.deliveries);
    deliveries.any(|delivery| delivery.start == InitialState::Claimed)
}

/// Returns the indices of the events, in parts for one script call each.
fn parts(events: &[PlannedEvent]) -> Vec<Vec<usize>> {
    let mut parts = Vec::new();
    let (mut part, mut deliveries, mut bytes) = (Vec::new(), 0, 0);
    for (at, event) in events.iter().enumerate() {
        let bodies = event
            .deliveries
            .iter()
            .filter_map(|delivery| delivery.body.as_ref());
        let size = event.event.data.len() + bodies.map(bytes::Bytes::len).sum::<usize>();
        let full = part.len() >= AT_A_TIME
            || deliveries + event.deliveries.len() > DELIVERIES_AT_A_TIME
            || bytes + size > BYTES_AT_A_TIME;
        if full && !part.is_empty() {
            parts.push(std::mem::take(&mut part));
            (deliveries, bytes) = (0, 0);
        }
        part.push(at);
        deliveries += event.deliveries.len();
        bytes += size;
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

/// Splits indices so that no round contains an id twice: the first event of an id is planned, and
/// later ones are compared with it.
fn rounds_of_distinct_ids(mut indices: Vec<usize>, events: &[PlannedEvent]) -> Vec<Vec<usize>> {
    let mut rounds = Vec::with_capacity(1);
    while !indices.is_empty() {
        let mut seen: HashSet<&EventId> = HashSet::with_capacity(indices.len());
        let (round, rest) = indices
            .into_iter()
            .partition(|at| seen.insert(&events[*at].event.id));
        rounds.push(round);
        indices = rest;
    }
    rounds
}

/// Parses an index as the script writes it: counted from 1, negative for an id with other content.
fn known(index: i64) -> (usize, Planned) {
    let planned = if index < 0 {
        Planned::Conflict
    } else {
        Planned::Known
    };
    let index = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
    (index.saturating_sub(1), planned)
}

/// Sets the results of known events, and removes them from the list.
fn set_results(list: &mut Vec<usize>, known: Vec<(usize, Planned)>, results: &mut [Planned]) {
    let mut known: HashMap<usize, Planned> = known.into_iter().collect();
    let mut index = 0;
    list.retain(|at| {
        let planned = known.remove(&index);
        index += 1;
        let is_new = planned.is_none();
        if let Some(planned) = planned {
            results[*at] = planned;
        }
        is_new
    });
}

fn claimed(event: &PlannedEvent, waiting: &HashSet<DeliveryId>) -> Vec<DeliveryId> {
    let started = |delivery: &&NewDelivery| {
        delivery.start == InitialState::Claimed && !waiting.contains(&delivery.id)
    };
    event
        .deliveries
        .iter()
        .filter(started)
        .map(|delivery| delivery.id.clone())
        .collect()
}
