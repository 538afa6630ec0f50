//! Plans events: keeps them and creates their deliveries, in one transaction.

use webhook_model::{Millis, Owner};

use super::PostgresStore;
use super::fault::FaultResult;
use super::known::compare;
use super::new_deliveries::NewRows;
use super::outbox::Rows;
use super::outcome_counts::DeadCounts;
use super::plan_events::{PlanCall, Start};
use super::plan_once::plan_once;
use super::session::{Params, Session, query};
use super::store::call;
use crate::{InitialState, PlanBatch, PlanResult, Planned, PlannedEvent, Result};

/// Marks accepted events as planned.
const TAKE_ACCEPTED: &str = "DELETE FROM accepted WHERE event = ANY($1)";

/// The reply of a transaction.
enum Reply {
    Stale,
    Backlog,
    Done(Done),
}

/// The results of the events that were kept; `None` for others.
struct Done {
    results: Vec<Option<Planned>>,
    any_due: bool,
}

impl PostgresStore {
    pub(super) async fn plan_batch(
        &self,
        owner: &Owner,
        batch: PlanBatch,
        now: Millis,
    ) -> Result<PlanResult> {
        self.return_lost_claims(owner, now).await?;
        let (tenant, fence) = (&batch.tenant, batch.fence);
        let tracked = if claims_any(&batch.events) {
            Some(self.in_flight.track(owner, vec![tenant.clone()]).await?)
        } else {
            None
        };
        let mut results = vec![None; batch.events.len()];
        let mut indices: Vec<usize> = (0..batch.events.len()).collect();
        // Again for an id that was stored at the insertion and deleted before the comparison.
        loop {
            let events: Vec<_> = indices.iter().map(|index| &batch.events[*index]).collect();
            let plan_call = PlanCall::new(owner, &batch, events, now);
            let outbox = self
                .outboxes
                .rows(plan_call.events.iter().map(|event| &event.event));
            match call!(self, session => run(&session, &plan_call, outbox.as_ref()).await)? {
                Reply::Stale => return Ok(PlanResult::Stale),
                Reply::Backlog => return Ok(PlanResult::Backlog),
                Reply::Done(done) => {
                    if done.any_due {
                        self.listener.announce();
                    }
                    set_results(&mut indices, done.results, &mut results);
                }
            }
            self.compare_known(&batch, &mut indices, &mut results)
                .await?;
            if indices.is_empty() {
                break;
            }
        }
        let known = |result: Option<Planned>| result.unwrap_or(Planned::Known);
        let results: Vec<Planned> = results.into_iter().map(known).collect();
        let claimed = results.iter().flat_map(|planned| match planned {
            Planned::New { claimed } => claimed.as_slice(),
            Planned::Known | Planned::Conflict => &[],
        });
        if let Some(tracked) = tracked {
            tracked.finish(fence, claimed.map(|id| (tenant, id)));
        }
        Ok(PlanResult::Done(results))
    }

    /// Sets the results of events whose ids are stored, and removes their indices.
    async fn compare_known(
        &self,
        batch: &PlanBatch,
        indices: &mut Vec<usize>,
        results: &mut [Option<Planned>],
    ) -> Result<()> {
        if batch.accepted {
            // An accepted event that does not come first is planned already.
            indices.clear();
        }
        if indices.is_empty() {
            return Ok(());
        }
        let event = |index: &usize| &batch.events[*index].event;
        let events: Vec<_> = indices.iter().map(event).collect();
        let same = call!(self, session => compare(&session, &batch.tenant, &events).await)?;
        let planned = |same| {
            if same {
                Planned::Known
            } else {
                Planned::Conflict
            }
        };
        let same = same.into_iter().map(|same| same.map(planned)).collect();
        set_results(indices, same, results);
        Ok(())
    }
}

/// Sets the results that are known, and keeps the indices of the others.
fn set_results(
    indices: &mut Vec<usize>,
    new: Vec<Option<Planned>>,
    results: &mut [Option<Planned>],
) {
    let mut new = new.into_iter();
    indices.retain(|index| {
        results[*index] = new.next().flatten();
        results[*index].is_none()
    });
}

/// Returns whether any delivery starts claimed. Other batches need no lease.
fn claims_any(events: &[PlannedEvent]) -> bool {
    let mut deliveries = events.iter().flat_map(|event| &event.deliveries);
    deliveries.any(|delivery| delivery.start == InitialState::Claimed)
}

async fn run(
    session: &Session,
    call: &PlanCall<'_>,
    outbox: Option<&Rows<'_>>,
) -> FaultResult<Reply> {
    if let Some(planned) = plan_once(session, call, outbox).await? {
        return Ok(Reply::Done(Done {
            results: planned.results,
            any_due: planned.any_due,
        }));
    }
    let mut started = match call.start(session).await? {
        Start::Stale => return session.roll_back().await.map(|()| Reply::Stale),
        Start::Backlog => return session.roll_back().await.map(|()| Reply::Backlog),
        Start::Started(started) => started,
    };
    let mut rows = NewRows::default();
    let mut results = Vec::with_capacity(call.events.len());
    let mut planned = Vec::with_capacity(call.events.len());
    for event in &call.events {
        let Some(key) = started.take_key(event.event.id.as_str()) else {
            results.push(None);
            continue;
        };
        let claimed = rows.add(&mut started.circumstances, key, event)?;
        planned.push(key);
        results.push(Some(Planned::New { claimed }));
    }
    rows.counts.set_minute(call.now);
    let now = call.now.as_i64();
    let params = rows.params(&started.circumstances, &now);
    let mut queries = params.queries();
    let accepted: Params<'_> = &[&planned];
    if call.accepted && !planned.is_empty() {
        queries.push(query(TAKE_ACCEPTED, accepted));
    }
    let removed = outbox.map(|rows| rows.ids_where(|at| results[at].is_some()));
    let removed_ids: Params<'_> = &[&removed];
    if let Some(Rows { outbox, .. }) = outbox {
        queries.push(query(&outbox.remove, removed_ids));
    }
    let counts = rows.counts.params(&call.owner.incarnation);
    if !rows.counts.is_empty() {
        queries.push(query(DeadCounts::INSERT, &counts));
    }
    session.commit(&queries).await?;
    Ok(Reply::Done(Done {
        results,
        any_due: rows.any_due,
    }))
}
