//! From events to deliveries, without a store: which endpoints want them, and what each is sent.

use std::sync::Arc;

use super::PlanError;
use super::expression::Vars;
use super::programs::Made;
use crate::model::{DeliveryId, EndpointId, Event, Millis, TenantId};
use crate::registry::{Ready, Tenant};
use crate::store::{NewDelivery, PlannedEvent, Start};

/// Works out the deliveries of `events`. Those that can start are due at `now`.
///
/// # Errors
///
/// [`PlanError::Interrupted`] if the runtime stops meanwhile.
pub async fn deliveries(
    id: &TenantId,
    tenant: &Arc<Tenant>,
    events: &[Event],
    now: Millis,
) -> Result<Vec<PlannedEvent>, PlanError> {
    let (id, tenant, events) = (id.clone(), tenant.clone(), events.to_vec());
    let takes_long = events.iter().any(|event| takes_long(&tenant, event));
    let work = move || {
        let plan = |event| plan(&id, &tenant, event, now);
        events.into_iter().map(plan).collect()
    };
    match takes_long {
        true => tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| PlanError::Interrupted),
        false => Ok(work()),
    }
}

fn takes_long(tenant: &Tenant, event: &Event) -> bool {
    wanting(tenant, event).any(|ready| {
        ready
            .programs
            .as_ref()
            .is_ok_and(|programs| programs.may_take_long(event))
    })
}

fn wanting<'a>(tenant: &'a Tenant, event: &'a Event) -> impl Iterator<Item = &'a Arc<Ready>> {
    tenant
        .endpoints
        .iter()
        .filter(|ready| ready.endpoint.wants(&event.kind))
}

fn plan(id: &TenantId, tenant: &Tenant, event: Event, now: Millis) -> PlannedEvent {
    let vars = Vars::new(id, &event);
    let delivery = |endpoint: &EndpointId, ordered, body, start| NewDelivery {
        id: DeliveryId::of(id, &event.id, endpoint),
        endpoint: endpoint.clone(),
        body,
        ordered,
        start,
    };
    let ready = wanting(tenant, &event).filter_map(|ready| {
        let (body, start) = match make(id, ready, &event, &vars) {
            Made::AsPublished => (None, Start::Due(now)),
            Made::Body(body) => (Some(body), Start::Due(now)),
            Made::Unwanted => return None,
            Made::Failed(reason) => (Some(UNMADE), Start::Dead(reason)),
        };
        Some(delivery(
            &ready.endpoint.id,
            ready.endpoint.ordered,
            body,
            start,
        ))
    });
    let unusable = tenant
        .unusable
        .iter()
        .filter(|(endpoint, _)| endpoint.wants(&event.kind));
    let unusable = unusable.map(|(endpoint, reason)| {
        let start = Start::Dead(format!("the endpoint cannot be used: {reason}"));
        delivery(&endpoint.id, endpoint.ordered, Some(UNMADE), start)
    });
    let deliveries = ready.chain(unusable).collect();
    drop(vars);
    PlannedEvent { event, deliveries }
}

/// The body of a delivery for which none could be made. No transform makes an empty one, and no
/// published data is empty: where such a delivery is replayed, its body is made at the attempt, by
/// [`make`], and not what the transform was to hide.
pub const UNMADE: bytes::Bytes = bytes::Bytes::from_static(b"");

/// What an endpoint's programs make of an event.
pub fn make(id: &TenantId, ready: &Ready, event: &Event, vars: &Vars<'_>) -> Made {
    match &ready.programs {
        Ok(programs) => programs.run(id, event, vars),
        Err(error) => Made::Failed(error.to_string()),
    }
}
