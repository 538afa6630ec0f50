//! Applies the declarations of a file to the store.

use std::fmt;

use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt, stream};
use webhook_model::{Endpoint, Millis};
use webhook_store::{EndpointPut, StoreError, Tenants};

use super::declared::Declared;
use super::handshake_retry::{FailedHandshake, failed};
use super::handshakes::{HandshakeOutcomes, run_handshakes};
use super::removal::{Removal, removed};
use super::stored::{AT_ONCE, Stored};
use super::{Config, Handshakes};

/// The number of tries to store an endpoint that is being changed concurrently.
const TRIES: usize = 5;

/// The number of changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Tenants created.
    pub tenants: usize,
    pub created: usize,
    pub changed: usize,
    pub removed: usize,
    /// Endpoints whose handshake failed.
    pub waiting: usize,
}

impl fmt::Display for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            tenants,
            created,
            changed,
            removed,
            waiting,
        } = self;
        write!(
            f,
            "tenants: {tenants} created; endpoints: {created} created, {changed} changed, \
             {removed} removed, {waiting} waiting for a handshake"
        )
    }
}

/// The reason why a file was not applied, or only in part.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Nothing was changed.
    #[error(transparent)]
    Removal(#[from] Removal),
    /// Earlier changes are kept. Applying the file again makes the rest.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Creates and changes the declared tenants and endpoints, and removes endpoints that an earlier file
/// declared and this one does not. Idempotent: parts that already agree are not written. Endpoints
/// created by the API are not touched. A tenant that is no longer declared stays, with its endpoints
/// and deliveries; only the API removes it.
///
/// An endpoint that is new, has moved, or has another secret is stored after its handshake. If the
/// handshake fails, an endpoint that had one before stays unchanged. Any other endpoint is stored without
/// it, so that its events are planned: its receiver rejects them, and they are retried on the schedule.
///
/// Returns the number of changes, and the failed handshakes for
/// [`retry_handshakes`](super::retry_handshakes).
///
/// An endpoint that the sender disabled stays disabled until its URL changes or the API enables it.
///
/// # Errors
///
/// Fails if too many endpoints would be removed, or if a call to the store fails.
pub async fn apply(
    config: &Config,
    store: &dyn Tenants,
    handshakes: &dyn Handshakes,
    now: Millis,
) -> Result<(Applied, Vec<FailedHandshake>), ApplyError> {
    let mut stored = Stored::read(store).await?;
    // Before anything else: a file that is rejected makes no handshake.
    removed(config, &stored)?;
    let outcomes = run_handshakes(config, &stored, handshakes).await;
    if !outcomes.is_empty() {
        // Handshakes may take seconds, during which the store may change.
        stored = Stored::read(store).await?;
    }
    let tenants = put_tenants(config, &stored, store).await?;
    let (created, changed) =
        put_endpoints(declared(config, &outcomes), &stored, store, now).await?;
    let removed = remove(removed(config, &stored)?, store, now).await?;
    let failed = failed(&outcomes, &stored);
    let applied = Applied {
        tenants,
        created,
        changed,
        removed,
        waiting: failed.len(),
    };
    Ok((applied, failed))
}

/// Creates the missing tenants. Returns their number.
async fn put_tenants(
    config: &Config,
    stored: &Stored,
    store: &dyn Tenants,
) -> Result<usize, StoreError> {
    let ids = config.tenants.iter().map(|tenant| &tenant.id);
    let missing = ids.filter(|id| !stored.has_tenant(id));
    count(missing.map(|id| store.put_tenant(id)).collect()).await
}

fn declared<'c>(config: &'c Config, outcomes: &'c HandshakeOutcomes) -> Vec<Declared<'c>> {
    let of = |tenant: &'c super::TenantConfig| {
        tenant.endpoints.iter().map(move |(id, spec)| Declared {
            tenant: &tenant.id,
            id,
            spec,
            outcome: outcomes.get(&(&tenant.id, id)),
        })
    };
    config.tenants.iter().flat_map(of).collect()
}

/// Stores the endpoints that differ, and retries those that were changed concurrently. Returns the
/// numbers of created and of changed endpoints.
async fn put_endpoints<'c>(
    mut left: Vec<Declared<'c>>,
    stored: &Stored,
    store: &dyn Tenants,
    now: Millis,
) -> Result<(usize, usize), StoreError> {
    let (mut created, mut changed) = (0, 0);
    let mut read_again = None;
    for tried in 1.. {
        let stored = read_again.as_ref().unwrap_or(stored);
        let differing = left.drain(..).filter_map(|one| {
            let (endpoint, over) = one.difference(stored, now)?;
            Some((one, EndpointPut { endpoint, over }))
        });
        let (declared, puts): (Vec<_>, Vec<_>) = differing.unzip();
        let mut declared = declared.into_iter();
        for puts in puts.chunks(AT_ONCE) {
            let versions = store.put_endpoints(puts).await?;
            for ((put, version), one) in puts.iter().zip(versions).zip(declared.by_ref()) {
                match (version, put.over) {
                    (Some(_), None) => created += 1,
                    (Some(_), Some(_)) => changed += 1,
                    (None, _) if tried == TRIES => return Err(conflict(&put.endpoint)),
                    (None, _) => left.push(one),
                }
            }
        }
        if left.is_empty() {
            break;
        }
        read_again = Some(Stored::read(store).await?);
    }
    Ok((created, changed))
}

fn conflict(endpoint: &Endpoint) -> StoreError {
    let (tenant, endpoint) = (endpoint.tenant.clone(), endpoint.id.clone());
    StoreError::Conflict { tenant, endpoint }
}

/// Removes endpoints. Returns their number.
async fn remove(
    endpoints: Vec<&Endpoint>,
    store: &dyn Tenants,
    now: Millis,
) -> Result<usize, StoreError> {
    let removals = endpoints
        .into_iter()
        .map(|endpoint| store.delete_endpoint(&endpoint.tenant, &endpoint.id, now));
    count(removals.collect()).await
}

/// Makes calls to the store concurrently, and returns how many of them changed something.
async fn count(calls: Vec<BoxFuture<'_, Result<bool, StoreError>>>) -> Result<usize, StoreError> {
    let mut calls = stream::iter(calls).buffer_unordered(AT_ONCE);
    let mut count = 0;
    while let Some(did_something) = calls.try_next().await? {
        count += usize::from(did_something);
    }
    Ok(count)
}
