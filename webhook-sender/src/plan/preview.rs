//! Previews: the bodies of an event for endpoints, without a store.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use event_transforms::Rendered;
use event_transforms::expression::Vars;
use tokio::time::Instant;
use webhook_model::{Endpoint, EndpointId, Event, TenantId};

use crate::registry::{CompiledEndpoint, Tenant};

/// The time after which no further program of a preview starts. Each program has bounds of its own, as in
/// planning.
const PREVIEW_TIME: Duration = Duration::from_secs(5);

/// The most bytes of bodies in one preview.
const PREVIEW_BYTES: usize = 4 << 20;

/// The result of a preview for one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Previewed {
    /// `None` for an endpoint that is not stored.
    pub endpoint: Option<EndpointId>,
    pub outcome: PreviewOutcome,
}

/// The outcome of a preview.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PreviewOutcome {
    /// No pattern matches the event's type.
    Unmatched,
    /// The filter or the component excludes the event.
    Filtered,
    Body(Bytes),
    /// A program failed, or the endpoint cannot be used.
    Failed(String),
}

/// The endpoints of a preview.
pub enum Previewing {
    /// All stored endpoints of the tenant.
    Stored(Arc<Tenant>),
    /// One that is not stored.
    Declared(Box<CompiledEndpoint>),
}

/// Runs the programs of endpoints on an event. Takes up to [`PREVIEW_TIME`] and the time of one program:
/// call this outside the async threads.
pub fn preview(id: &TenantId, event: &Event, endpoints: &Previewing) -> Vec<Previewed> {
    let vars = Vars::new(id, event);
    match endpoints {
        Previewing::Declared(compiled) => vec![Previewed {
            endpoint: None,
            outcome: outcome(id, event, &vars, compiled),
        }],
        Previewing::Stored(tenant) => stored(id, event, &vars, tenant),
    }
}

fn stored(id: &TenantId, event: &Event, vars: &Vars<'_>, tenant: &Tenant) -> Vec<Previewed> {
    let (began, mut bytes) = (Instant::now(), 0);
    let usable = tenant.endpoints.iter().map(|compiled| {
        let outcome = if began.elapsed() >= PREVIEW_TIME || bytes >= PREVIEW_BYTES {
            let limit = "not previewed: the endpoints before it used up the limits of a preview";
            PreviewOutcome::Failed(limit.into())
        } else {
            outcome(id, event, vars, compiled)
        };
        if let PreviewOutcome::Body(body) = &outcome {
            bytes += body.len();
        }
        (compiled.endpoint.id.clone(), outcome)
    });
    let unusable = tenant.unusable.iter().map(|(endpoint, reason)| {
        let outcome = if matches(endpoint, event) {
            PreviewOutcome::Failed(format!("the endpoint cannot be used: {reason}"))
        } else {
            PreviewOutcome::Unmatched
        };
        (endpoint.id.clone(), outcome)
    });
    usable
        .chain(unusable)
        .map(|(endpoint, outcome)| Previewed {
            endpoint: Some(endpoint),
            outcome,
        })
        .collect()
}

fn outcome(
    id: &TenantId,
    event: &Event,
    vars: &Vars<'_>,
    compiled: &CompiledEndpoint,
) -> PreviewOutcome {
    if !matches(&compiled.endpoint, event) {
        return PreviewOutcome::Unmatched;
    }
    match compiled.render(id, event, vars) {
        Rendered::AsPublished => PreviewOutcome::Body(event.data.clone()),
        Rendered::Body(body) => PreviewOutcome::Body(body),
        Rendered::Unwanted => PreviewOutcome::Filtered,
        Rendered::Failed(reason) => PreviewOutcome::Failed(reason),
    }
}

/// Returns true if a pattern matches, also for a disabled endpoint.
fn matches(endpoint: &Endpoint, event: &Event) -> bool {
    let patterns = &endpoint.events;
    patterns.iter().any(|pattern| pattern.matches(&event.kind))
}
