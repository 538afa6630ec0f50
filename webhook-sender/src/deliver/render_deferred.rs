//! Renders the body of a delivery whose body was not rendered when it was planned: its transform
//! failed and it was replayed, or the memory budget was exhausted.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use event_transforms::expression::Vars;
use event_transforms::{MAX_OUTPUT_BYTES, Rendered};
use webhook_model::{Event, MAX_DATA_BYTES, TenantId};
use webhook_store::NextState;

use super::context::Context;
use super::flight::Flight;
use crate::background;
use crate::registry::{CompiledEndpoint, Reserved};

/// The wait before another try if the store does not return the event.
pub(super) const PAUSE: Duration = Duration::from_secs(5);

/// The longest wait for memory, and the wait until another try after that. A waiting delivery holds
/// a permit that another endpoint may need.
const MEMORY_WAIT: Duration = Duration::from_secs(1);

/// Returns the body.
///
/// # Errors
///
/// The next state of the delivery, if no attempt can be made.
pub(super) async fn render_deferred(
    context: &Context,
    flight: &Flight,
) -> Result<Bytes, NextState> {
    let (tenant, event) = (&flight.claim.tenant, &flight.claim.event);
    // Covers the event and the rendered body.
    let bytes = MAX_DATA_BYTES + MAX_OUTPUT_BYTES;
    let budget = context.registry.budget(tenant);
    let Ok(reserved) = tokio::time::timeout(MEMORY_WAIT, budget.reserve(bytes)).await else {
        return Err(NextState::Due(context.clock.now().after(MEMORY_WAIT)));
    };
    let event = match context.store.event(tenant, event).await {
        Ok(Some(event)) => event,
        Ok(None) => return Err(NextState::Dead("its event is no longer kept".into())),
        Err(error) => {
            tracing::warn!(%tenant, %event, %error, "cannot read the event of a delivery");
            return Err(NextState::Due(context.clock.now().after(PAUSE)));
        }
    };
    match render(
        tenant.clone(),
        flight.template.compiled.clone(),
        event.clone(),
    )
    .await
    {
        Rendered::AsPublished => Ok(held(reserved, event.data)),
        Rendered::Body(body) => Ok(held(reserved, body)),
        Rendered::Unwanted => Err(NextState::Dead(
            "the endpoint's filter rejects the event".into(),
        )),
        Rendered::Failed(reason) => Err(NextState::Dead(reason)),
    }
}

fn held(reserved: Option<Reserved>, body: Bytes) -> Bytes {
    match reserved {
        Some(reserved) => reserved.hold(body),
        None => body,
    }
}

/// Runs an endpoint's programs on an event, outside the async threads, as they may take long.
pub async fn render(tenant: TenantId, compiled: Arc<CompiledEndpoint>, event: Event) -> Rendered {
    let work = move || compiled.render(&tenant, &event, &Vars::new(&tenant, &event));
    let rendered = background::run(work).await;
    rendered.unwrap_or_else(|error| Rendered::Failed(error.to_string()))
}
