//! Bringing the store to what the file declares.

use std::collections::HashMap;

use super::hands::{Hand, shake};
use super::{Config, EndpointSpec, Handshakes, TenantConfig};
use crate::model::{Endpoint, EndpointId, Millis, Origin, TenantId};
use crate::store::{Store, StoreError};

/// How often an endpoint may be changed by others meanwhile.
const TRIES: usize = 5;

/// What was changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Tenants that are new.
    pub tenants: usize,
    pub created: usize,
    pub changed: usize,
    pub removed: usize,
    /// Endpoints whose receivers did not take their keys. Applying again asks them again.
    pub waiting: usize,
}

/// Makes the declared tenants and endpoints what the file says, and removes endpoints that an
/// earlier file declared and this one does not. What is the same already is not touched, and what
/// the API made is left alone. A tenant that is no longer declared stays, with all it has: the API
/// removes it.
///
/// A handshake is made before what is declared is stored, for an endpoint that is new, has moved, or
/// has another secret. Where it fails, an endpoint that had one stays as it was. Any other is stored
/// without it, so that its events are planned: its receiver refuses them, and they are due again by
/// the schedule.
///
/// An endpoint that the sender disabled stays so until its URL changes or the API enables it.
///
/// # Errors
///
/// Those of the store. What was done until then is kept; applying again does the rest.
pub async fn apply(
    config: &Config,
    store: &dyn Store,
    handshakes: &dyn Handshakes,
    now: Millis,
) -> Result<Applied, StoreError> {
    let mut applied = Applied::default();
    let hands = shake(config, store, handshakes).await?;
    for tenant in &config.tenants {
        if store.put_tenant(&tenant.id).await? {
            applied.tenants += 1;
        }
        for (id, spec) in &tenant.endpoints {
            let hand = hands.get(&(tenant.id.clone(), id.clone()));
            applied.waiting += usize::from(matches!(hand, Some(Hand::Refused(_))));
            put(store, &tenant.id, id, (spec, hand), now, &mut applied).await?;
        }
    }
    for (id, _) in store.tenants().await? {
        let declared = config.tenants.iter().find(|tenant| tenant.id == id);
        applied.removed += remove_others(store, &id, declared, now).await?;
    }
    Ok(applied)
}

async fn put(
    store: &dyn Store,
    tenant: &TenantId,
    id: &EndpointId,
    (spec, hand): (&EndpointSpec, Option<&Hand>),
    now: Millis,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    for tried in 1.. {
        let stored = stored(store, tenant).await?.remove(id);
        let Some(spec) = agreed(spec.clone(), hand, stored.as_ref()) else {
            return Ok(());
        };
        let endpoint = match &stored {
            None => spec.endpoint(tenant.clone(), id.clone(), Origin::Config, now),
            Some(before) => {
                let after = merged(spec, before, now);
                if after == *before {
                    return Ok(());
                }
                after
            }
        };
        match store
            .put_endpoint(&endpoint, stored.as_ref().map(|before| before.version))
            .await
        {
            Err(StoreError::Conflict { .. }) if tried < TRIES => continue,
            Err(error) => return Err(error),
            Ok(_) if stored.is_some() => applied.changed += 1,
            Ok(_) => applied.created += 1,
        }
        return Ok(());
    }
    Ok(())
}

/// What can be stored of a declaration after its handshake; `None` where all stays as it was.
fn agreed(
    mut spec: EndpointSpec,
    hand: Option<&Hand>,
    stored: Option<&Endpoint>,
) -> Option<EndpointSpec> {
    let had_one = stored.is_some_and(|before| before.handshake.is_some());
    match hand {
        None => {}
        Some(Hand::Taken(key)) => spec.secret = Some(key.clone()),
        Some(Hand::Refused(_)) if had_one => return None,
        Some(Hand::Refused(key) | Hand::PutOff(key)) => {
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

async fn remove_others(
    store: &dyn Store,
    tenant: &TenantId,
    declared: Option<&TenantConfig>,
    now: Millis,
) -> Result<usize, StoreError> {
    let mut removed = 0;
    for (id, endpoint) in stored(store, tenant).await? {
        let declares = |tenant: &TenantConfig| tenant.endpoints.iter().any(|(one, _)| *one == id);
        if endpoint.origin == Origin::Config
            && !declared.is_some_and(declares)
            && store.delete_endpoint(tenant, &id, now).await?
        {
            removed += 1;
        }
    }
    Ok(removed)
}

pub(super) async fn stored(
    store: &dyn Store,
    tenant: &TenantId,
) -> Result<HashMap<EndpointId, Endpoint>, StoreError> {
    let stored = store.endpoints(tenant).await?;
    let endpoints = stored.map(|(_, endpoints)| endpoints).unwrap_or_default();
    Ok(endpoints
        .into_iter()
        .map(|endpoint| (endpoint.id.clone(), endpoint))
        .collect())
}
