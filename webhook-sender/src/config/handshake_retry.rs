//! Retries failed handshakes without applying the rest of the file again.

use webhook_model::{Endpoint, EndpointId, Millis, TenantId};
use webhook_store::{StoreError, Tenants};

use super::declared::Declared;
use super::handshakes::{HandshakeOutcome, HandshakeOutcomes, key_to_send, run_all};
use super::stored::Stored;
use super::{Config, EndpointSpec, Handshakes};

/// A handshake that a receiver did not accept yet.
#[derive(Clone, Debug)]
pub struct FailedHandshake {
    tenant: TenantId,
    endpoint: EndpointId,
    /// The stored endpoint, if it keeps an earlier declaration until the handshake succeeds.
    kept: Option<Endpoint>,
}

/// The result of retrying handshakes.
#[derive(Debug, Default)]
pub struct Retried {
    /// The number of endpoints that were stored with their new key.
    pub accepted: usize,
    /// The handshakes to retry later.
    pub failed: Vec<FailedHandshake>,
}

/// Retries handshakes of `config`, and stores the endpoints whose receivers accept their keys. Nothing
/// else is written. A handshake is dropped if its endpoint was changed or removed since, for example
/// by another process with a newer file.
///
/// # Errors
///
/// Fails if a call to the store fails. The same handshakes may be retried then.
pub async fn retry_handshakes(
    config: &Config,
    failed: &[FailedHandshake],
    store: &dyn Tenants,
    handshakes: &dyn Handshakes,
    now: Millis,
) -> Result<Retried, StoreError> {
    let stored = Stored::read(store).await?;
    let current: Vec<_> = failed
        .iter()
        .filter_map(|one| Some((one, one.current(config, &stored, now)?)))
        .collect();
    let requests = current.iter().filter_map(|(one, spec)| {
        let key = key_to_send(spec, stored.get(&one.tenant, &one.endpoint))?;
        Some(((&one.tenant, &one.endpoint), *spec, key))
    });
    let outcomes = run_all(requests.collect(), handshakes).await;
    // Handshakes may take seconds, during which the store may change.
    let stored = Stored::read(store).await?;
    let mut retried = Retried::default();
    for (one, spec) in current {
        let outcome = outcomes.get(&(&one.tenant, &one.endpoint));
        if one.current(config, &stored, now).is_none() {
            continue;
        }
        let declared = Declared {
            tenant: &one.tenant,
            id: &one.endpoint,
            spec,
            outcome,
        };
        let accepted = matches!(outcome, Some(HandshakeOutcome::Accepted(_)));
        if accepted && put(&declared, &stored, store, now).await? {
            retried.accepted += 1;
        } else {
            retried.failed.push(one.clone());
        }
    }
    Ok(retried)
}

/// Stores an endpoint after its handshake. Returns `false` if it was changed concurrently.
async fn put(
    declared: &Declared<'_>,
    stored: &Stored,
    store: &dyn Tenants,
    now: Millis,
) -> Result<bool, StoreError> {
    let Some((endpoint, over)) = declared.difference(stored, now) else {
        return Ok(true);
    };
    match store.put_endpoint(&endpoint, over).await {
        Ok(_) => Ok(true),
        Err(StoreError::Conflict { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Returns the handshakes that failed while a file was applied.
pub(super) fn failed(outcomes: &HandshakeOutcomes<'_>, stored: &Stored) -> Vec<FailedHandshake> {
    let failed = outcomes
        .iter()
        .filter(|(_, outcome)| matches!(outcome, HandshakeOutcome::Failed(_)));
    failed
        .map(|((tenant, endpoint), _)| FailedHandshake {
            tenant: (*tenant).clone(),
            endpoint: (*endpoint).clone(),
            kept: stored
                .get(tenant, endpoint)
                .filter(|before| before.handshake.is_some())
                .cloned(),
        })
        .collect()
}

impl FailedHandshake {
    /// Returns the declaration of the endpoint if the stored one is as the failed handshake left it.
    fn current<'c>(
        &self,
        config: &'c Config,
        stored: &Stored,
        now: Millis,
    ) -> Option<&'c EndpointSpec> {
        let mut tenants = config.tenants.iter();
        let tenant = tenants.find(|tenant| tenant.id == self.tenant)?;
        let mut endpoints = tenant.endpoints.iter();
        let (_, spec) = endpoints.find(|(id, _)| *id == self.endpoint)?;
        let before = stored.get(&self.tenant, &self.endpoint)?;
        let is_current = match &self.kept {
            Some(kept) => declared_part(kept) == declared_part(before),
            None => {
                let outcome = HandshakeOutcome::Failed(key_to_send(spec, Some(before))?);
                let declared = Declared {
                    tenant: &self.tenant,
                    id: &self.endpoint,
                    spec,
                    outcome: Some(&outcome),
                };
                before.handshake.is_none() && declared.difference(stored, now).is_none()
            }
        };
        is_current.then_some(spec)
    }
}

/// Returns an endpoint without the properties that the sender changes by itself.
fn declared_part(endpoint: &Endpoint) -> Endpoint {
    Endpoint {
        enabled: true,
        disabled_reason: None,
        failing_since: None,
        updated_at: endpoint.created_at,
        version: 0,
        ..endpoint.clone()
    }
}
