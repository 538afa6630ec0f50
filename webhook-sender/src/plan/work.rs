//! Computes the deliveries of events, without a store: the endpoints that match, and the body for
//! each.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use event_transforms::Rendered;
use event_transforms::expression::Vars;
use tokio::time::Instant;
use webhook_model::{DeliveryId, EndpointId, Event, Millis, TenantId};
use webhook_store::{InitialState, NewDelivery, PlannedEvent};

use super::PlanError;
use crate::background;
use crate::registry::{Budget, CompiledEndpoint, DEFERRED_BODY, Tenant};

/// The time for which programs that may take long run before their results are stored.
const SLICE: Duration = Duration::from_millis(25);

/// Computes the deliveries of the first of `events`: of all, unless their bodies exceed the size of
/// a batch or their programs take longer than [`SLICE`]. Deliveries that can start are due at
/// `now`. `takes_long` is the result of [`may_take_long`].
///
/// # Errors
///
/// [`PlanError::Interrupted`] if the runtime stops meanwhile.
pub async fn deliveries(
    id: &TenantId,
    tenant: &Arc<Tenant>,
    events: &[Event],
    takes_long: bool,
    budget: Arc<Budget>,
    now: Millis,
) -> Result<Vec<PlannedEvent>, PlanError> {
    let (id, tenant, events) = (id.clone(), tenant.clone(), events.to_vec());
    let work = move || {
        let (began, mut bytes) = (Instant::now(), 0);
        let mut planned = Vec::with_capacity(events.len());
        for event in events {
            let event = plan(&id, &tenant, event, &budget, now);
            bytes += body_bytes(&event);
            planned.push(event);
            if bytes >= budget.batch_bytes() || (takes_long && began.elapsed() >= SLICE) {
                break;
            }
        }
        planned
    };
    if takes_long {
        let planned = background::run(work).await;
        planned.map_err(|_| PlanError::Interrupted)
    } else {
        Ok(work())
    }
}

/// Returns true if running the programs of the endpoints that match one of these events may take
/// more than some microseconds.
pub fn may_take_long(tenant: &Tenant, events: &[Event]) -> bool {
    events.iter().any(|event| takes_long(tenant, event))
}

fn takes_long(tenant: &Tenant, event: &Event) -> bool {
    matching(tenant, event).any(|compiled| {
        compiled
            .programs
            .as_ref()
            .is_ok_and(|programs| programs.may_take_long(event))
    })
}

fn matching<'a>(
    tenant: &'a Tenant,
    event: &'a Event,
) -> impl Iterator<Item = &'a Arc<CompiledEndpoint>> {
    tenant
        .endpoints
        .iter()
        .filter(|compiled| compiled.endpoint.wants(&event.kind))
}

fn body_bytes(event: &PlannedEvent) -> usize {
    let bodies = event.deliveries.iter().filter_map(|one| one.body.as_ref());
    bodies.map(Bytes::len).sum()
}

fn plan(
    id: &TenantId,
    tenant: &Tenant,
    event: Event,
    budget: &Budget,
    now: Millis,
) -> PlannedEvent {
    let vars = Vars::new(id, &event);
    let delivery = |endpoint: &EndpointId, ordered, body, start| NewDelivery {
        id: DeliveryId::of(id, &event.id, endpoint),
        endpoint: endpoint.clone(),
        body,
        ordered,
        start,
    };
    let usable = matching(tenant, &event).filter_map(|compiled| {
        let (body, start) = match compiled.render(id, &event, &vars) {
            Rendered::AsPublished => (None, InitialState::Due(now)),
            // If the memory budget is exhausted, the body is rendered at the attempt.
            Rendered::Body(body) => (
                budget.try_hold(body).or(Some(DEFERRED_BODY)),
                InitialState::Due(now),
            ),
            Rendered::Unwanted => return None,
            Rendered::Failed(reason) => (Some(DEFERRED_BODY), InitialState::Dead(reason)),
        };
        Some(delivery(
            &compiled.endpoint.id,
            compiled.endpoint.ordered,
            body,
            start,
        ))
    });
    let unusable = tenant
        .unusable
        .iter()
        .filter(|(endpoint, _)| endpoint.wants(&event.kind));
    let unusable = unusable.map(|(endpoint, reason)| {
        let start = InitialState::Dead(format!("the endpoint cannot be used: {reason}"));
        delivery(&endpoint.id, endpoint.ordered, Some(DEFERRED_BODY), start)
    });
    let deliveries = usable.chain(unusable).collect();
    drop(vars);
    PlannedEvent { event, deliveries }
}
