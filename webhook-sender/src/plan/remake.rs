//! Bodies that could not be made when their event was planned.

use std::sync::Arc;

use super::Made;
use super::expression::Vars;
use super::work::make;
use crate::model::Event;
use crate::registry::Ready;
use crate::store::{Claim, Store, StoreError};

/// What is sent for a claim whose body is [`UNMADE`](super::UNMADE), as it is after a replay: what the endpoint's
/// programs make of the event now. Anything but [`Made::Body`] ends the delivery.
///
/// # Errors
///
/// Those of the store.
pub async fn remake(
    store: &dyn Store,
    ready: &Arc<Ready>,
    claim: &Claim,
) -> Result<Made, StoreError> {
    let Some(event) = store.event(&claim.tenant, &claim.event).await? else {
        return Ok(Made::Failed("the event is no longer kept".into()));
    };
    let (ready, tenant) = (ready.clone(), claim.tenant.clone());
    let work = move || {
        let made = make(&tenant, &ready, &event, &Vars::new(&tenant, &event));
        as_body(made, event)
    };
    // Replays are rare: there is no telling apart of what takes long.
    let made = tokio::task::spawn_blocking(work).await;
    Ok(made.unwrap_or_else(|_| Made::Failed("planning was interrupted".into())))
}

fn as_body(made: Made, event: Event) -> Made {
    match made {
        Made::AsPublished => Made::Body(event.data),
        other => other,
    }
}
