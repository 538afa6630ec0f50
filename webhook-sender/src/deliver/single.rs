//! Single attempts outside of the queue, to test an endpoint.

use bytes::Bytes;
use tokio::time::Instant;
use webhook_model::{Attempt, EndpointId, EventId, TenantId};

use super::context::Context;
use super::outcome::classify;
use super::permits::{Permit, Permits, Refusal, Requester};
use super::request::Request;
use crate::plan::{SingleAttempt, SingleRefusal};

/// Makes one attempt. It holds a permit and counts against the rate limit like any other, but is not
/// recorded, and affects neither the circuit breaker nor the health of the endpoint.
pub(super) async fn attempt(
    context: &Context,
    tenant: &TenantId,
    endpoint: &EndpointId,
    event: &EventId,
    body: &Bytes,
) -> Result<Attempt, SingleRefusal> {
    let compiled = context.registry.endpoint(tenant, endpoint);
    let compiled = compiled.ok_or(SingleRefusal::Unusable)?;
    let permits = Permits::acquire(&context.concurrency, &compiled, 1, Requester::Planner);
    let permit = permits.map_err(refusal)?.take();
    let Some(Permit { endpoint, total }) = permit else {
        return Err(SingleRefusal::Busy);
    };
    let settings = context.concurrency.start().ok_or(SingleRefusal::Busy)?;
    let template = endpoint.template().clone();
    let timeout = template.timeout(&settings);
    let (at, began) = (context.clock.now(), Instant::now());
    let request = Request {
        tenant,
        event,
        body,
        at,
        deadline: began + timeout,
        keep_response: settings.keep_response,
    };
    let (response, exchange) = request.send(&template, &context.client).await;
    let retry = template.retry(&settings);
    let disposition = classify(response, 0, retry, (at, began.elapsed()), 0.5);
    drop((endpoint, total));
    let attempt = disposition.attempt.ok_or(SingleRefusal::Busy)?;
    Ok(Attempt {
        exchange,
        ..attempt
    })
}

fn refusal(refusal: Refusal) -> SingleRefusal {
    match refusal {
        Refusal::Full | Refusal::Exhausted => SingleRefusal::Busy,
        Refusal::After(moment) => {
            SingleRefusal::After(moment.saturating_duration_since(Instant::now()))
        }
        Refusal::Closed => SingleRefusal::Unusable,
    }
}

#[async_trait::async_trait]
impl SingleAttempt for super::Handle {
    async fn attempt(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        event: &EventId,
        body: &Bytes,
    ) -> Result<Attempt, SingleRefusal> {
        attempt(self.context(), tenant, endpoint, event, body).await
    }
}
