//! The body of a delivery for which none could be made when it was planned, and which was replayed, or
//! for which there was no room in memory.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use event_transforms::expression::Vars;
use event_transforms::{MAX_OUTPUT_BYTES, Rendered};
use webhook_model::{Event, MAX_DATA_BYTES, TenantId};
use webhook_store::Next;

use super::context::Context;
use super::flight::Flight;
use crate::registry::{CompiledEndpoint, Reserved};

/// How long to wait where the store does not give the event out.
pub(super) const PAUSE: Duration = Duration::from_secs(5);

/// How long to wait for room in memory, and how long after that to come again. A delivery that waits
/// keeps a place, which another endpoint may need.
const MEMORY_WAIT: Duration = Duration::from_secs(1);

/// The body, or what becomes of the delivery without an attempt.
pub(super) async fn render_deferred(context: &Context, flight: &Flight) -> Result<Bytes, Next> {
    let (tenant, event) = (&flight.claim.tenant, &flight.claim.event);
    // For the event, and for what is made of it.
    let bytes = MAX_DATA_BYTES + MAX_OUTPUT_BYTES;
    let budget = context.registry.budget(tenant);
    let Ok(reserved) = tokio::time::timeout(MEMORY_WAIT, budget.reserve(bytes)).await else {
        return Err(Next::Due(context.clock.now().after(MEMORY_WAIT)));
    };
    let event = match context.store.event(tenant, event).await {
        Ok(Some(event)) => event,
        Ok(None) => return Err(Next::Dead("its event is no longer kept".into())),
        Err(error) => {
            tracing::warn!(%tenant, %event, %error, "an event could not be read again");
            return Err(Next::Due(context.clock.now().after(PAUSE)));
        }
    };
    match run(
        tenant.clone(),
        flight.template.compiled.clone(),
        event.clone(),
    )
    .await
    {
        Rendered::AsPublished => Ok(held(reserved, event.data)),
        Rendered::Body(body) => Ok(held(reserved, body)),
        Rendered::Unwanted => Err(Next::Dead("the endpoint's filter does not want it".into())),
        Rendered::Failed(reason) => Err(Next::Dead(reason)),
    }
}

fn held(reserved: Option<Reserved>, body: Bytes) -> Bytes {
    match reserved {
        Some(reserved) => reserved.hold(body),
        None => body,
    }
}

/// Runs the endpoint's programs away from the async threads, where they may take long.
async fn run(tenant: TenantId, compiled: Arc<CompiledEndpoint>, event: Event) -> Rendered {
    let work = move || compiled.render(&tenant, &event, &Vars::new(&tenant, &event));
    let rendered = tokio::task::spawn_blocking(work).await;
    rendered.unwrap_or_else(|error| Rendered::Failed(error.to_string()))
}
