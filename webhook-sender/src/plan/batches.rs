//! Events by tenant, and in batches of a bounded size.

use std::collections::HashMap;

use webhook_model::{Event, TenantId};

/// The most events in one call of the store, and the most bytes of their data.
const BATCH_EVENTS: usize = 256;
const BATCH_BYTES: usize = 8 << 20;

/// Splits events into batches of at most [`BATCH_EVENTS`] events and, except for a single larger
/// event, [`BATCH_BYTES`].
pub(super) fn split(events: Vec<Event>) -> Vec<Vec<Event>> {
    let mut batches: Vec<Vec<Event>> = Vec::new();
    let mut bytes = 0;
    for event in events {
        bytes += event.data.len();
        match batches.last_mut() {
            Some(last) if last.len() < BATCH_EVENTS && bytes <= BATCH_BYTES => last.push(event),
            _ => {
                bytes = event.data.len();
                batches.push(vec![event]);
            }
        }
    }
    batches
}

/// Groups events by tenant, in their order, each group with the positions of its events.
pub(super) fn by_tenant(
    events: Vec<(TenantId, Event)>,
) -> HashMap<TenantId, (Vec<usize>, Vec<Event>)> {
    let mut tenants: HashMap<TenantId, (Vec<usize>, Vec<Event>)> = HashMap::new();
    for (position, (tenant, event)) in events.into_iter().enumerate() {
        let (positions, events) = tenants.entry(tenant).or_default();
        positions.push(position);
        events.push(event);
    }
    tenants
}
