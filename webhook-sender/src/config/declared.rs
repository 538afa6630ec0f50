//! A declared endpoint, compared with the stored one.

use webhook_model::{Endpoint, EndpointId, Millis, Origin, TenantId};

use super::EndpointSpec;
use super::handshakes::HandshakeOutcome;
use super::stored::Stored;

/// An endpoint of the file, and the outcome of its handshake, if one was made.
#[derive(Clone, Copy)]
pub(super) struct Declared<'c> {
    pub tenant: &'c TenantId,
    pub id: &'c EndpointId,
    pub spec: &'c EndpointSpec,
    pub outcome: Option<&'c HandshakeOutcome>,
}

impl Declared<'_> {
    /// Returns the endpoint to store and the version that it replaces, or `None` if the stored one does
    /// not differ.
    pub(super) fn difference(
        &self,
        stored: &Stored,
        now: Millis,
    ) -> Option<(Endpoint, Option<u64>)> {
        let before = stored.get(self.tenant, self.id);
        let spec = after_handshake(self.spec.clone(), self.outcome, before)?;
        match before {
            None => {
                let (tenant, id) = (self.tenant.clone(), self.id.clone());
                Some((spec.endpoint(tenant, id, Origin::Config, now), None))
            }
            Some(before) => {
                let after = merged(spec, before, now);
                (after != *before).then_some((after, Some(before.version)))
            }
        }
    }
}

/// Returns the declaration to store after its handshake, or `None` if the stored endpoint stays
/// unchanged.
fn after_handshake(
    mut spec: EndpointSpec,
    outcome: Option<&HandshakeOutcome>,
    stored: Option<&Endpoint>,
) -> Option<EndpointSpec> {
    let had_one = stored.is_some_and(|before| before.handshake.is_some());
    match outcome {
        None => {}
        Some(HandshakeOutcome::Accepted(key)) => spec.secret = Some(key.clone()),
        Some(HandshakeOutcome::Failed(_)) if had_one => return None,
        Some(HandshakeOutcome::Failed(key) | HandshakeOutcome::Deferred(key)) => {
            spec.secret = Some(key.clone());
            spec.handshake = None;
        }
    }
    Some(spec)
}

fn merged(mut spec: EndpointSpec, before: &Endpoint, now: Millis) -> Endpoint {
    let disabled_by_sender = !before.enabled && before.disabled_reason.is_some();
    if disabled_by_sender && spec.url == before.url {
        spec.enabled = false;
    }
    let mut after = spec.over(before, now);
    if after.origin != Origin::Config {
        after = Endpoint {
            origin: Origin::Config,
            updated_at: now,
            ..after
        };
    }
    after
}
