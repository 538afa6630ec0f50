//! The body of a delivery for which none could be made when it was planned, and which was replayed.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::dispatcher::Shared;
use super::flight::Flight;
use crate::model::{Event, TenantId};
use crate::plan::expression::Vars;
use crate::plan::{Made, make};
use crate::registry::Ready;
use crate::store::Next;

/// How long to wait where the store does not give the event out.
pub(super) const PAUSE: Duration = Duration::from_secs(5);

/// The body, or what becomes of the delivery without an attempt.
pub(super) async fn remake(shared: &Shared, flight: &Flight) -> Result<Bytes, Next> {
    let (tenant, event) = (&flight.claim.tenant, &flight.claim.event);
    let event = match shared.store.event(tenant, event).await {
        Ok(Some(event)) => event,
        Ok(None) => return Err(Next::Dead("its event is no longer kept".into())),
        Err(error) => {
            tracing::warn!(%tenant, %event, %error, "an event could not be read again");
            return Err(Next::Due(shared.clock.now().after(PAUSE)));
        }
    };
    match run(tenant.clone(), flight.prepared.ready.clone(), event.clone()).await {
        Made::AsPublished => Ok(event.data),
        Made::Body(body) => Ok(body),
        Made::Unwanted => Err(Next::Dead("the endpoint's filter does not want it".into())),
        Made::Failed(reason) => Err(Next::Dead(reason)),
    }
}

/// Runs the endpoint's programs away from the async threads, where they may take long.
async fn run(tenant: TenantId, ready: Arc<Ready>, event: Event) -> Made {
    let work = move || make(&tenant, &ready, &event, &Vars::new(&tenant, &event));
    let made = tokio::task::spawn_blocking(work).await;
    made.unwrap_or_else(|error| Made::Failed(error.to_string()))
}
