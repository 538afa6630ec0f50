//! Bringing the store to what the file declares.

use std::fmt;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use webhook_model::{Endpoint, EndpointId, Millis, Origin, TenantId};
use webhook_store::{StoreError, Tenants};

use super::hands::{Hand, Hands, shake};
use super::removal::{Removal, removed};
use super::stored::{AT_ONCE, Stored};
use super::{Config, EndpointSpec, Handshakes};

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

/// Why a file was not applied, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Nothing was changed.
    #[error(transparent)]
    Removal(#[from] Removal),
    /// What was done until then is kept; applying again does the rest.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes the declared tenants and endpoints what the file says, and removes endpoints that an
/// earlier file declared and this one does not. What is the same already is not touched, and what
/// the API made is left alone. A tenant that is no longer declared stays, with all it has: the API
/// removes it. It may be called at any time and as often as needed.
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
/// An [`ApplyError`].
pub async fn apply(
    config: &Config,
    store: &dyn Tenants,
    handshakes: &dyn Handshakes,
    now: Millis,
) -> Result<Applied, ApplyError> {
    let mut stored = Stored::read(store).await?;
    // Before anything else: a file that is refused makes no handshake.
    removed(config, &stored)?;
    let hands = shake(config, &stored, handshakes).await;
    if !hands.is_empty() {
        // Receivers may have taken seconds.
        stored = Stored::read(store).await?;
    }
    let tenants = put_tenants(config, &stored, store).await?;
    let (created, changed) = put_endpoints(declared(config, &hands), &stored, store, now).await?;
    let removed = remove(removed(config, &stored)?, store, now).await?;
    let is_refused = |hand: &&Hand| matches!(hand, Hand::Refused(_));
    Ok(Applied {
        tenants,
        created,
        changed,
        removed,
        waiting: hands.values().filter(is_refused).count(),
    })
}

/// Returns how many are new.
async fn put_tenants(
    config: &Config,
    stored: &Stored,
    store: &dyn Tenants,
) -> Result<usize, StoreError> {
    let ids = config.tenants.iter().map(|tenant| &tenant.id);
    let missing = ids.filter(|id| !stored.has_tenant(id));
    count(missing.map(|id| store.put_tenant(id)).collect()).await
}

/// An endpoint of the file, and what came of its handshake.
#[derive(Clone, Copy)]
struct Declared<'c> {
    tenant: &'c TenantId,
    id: &'c EndpointId,
    spec: &'c EndpointSpec,
    hand: Option<&'c Hand>,
}

fn declared<'c>(config: &'c Config, hands: &'c Hands) -> Vec<Declared<'c>> {
    let of = |tenant: &'c super::TenantConfig| {
        tenant.endpoints.iter().map(move |(id, spec)| Declared {
            tenant: &tenant.id,
            id,
            spec,
            hand: hands.get(&(&tenant.id, id)),
        })
    };
    config.tenants.iter().flat_map(of).collect()
}

/// What became of an endpoint that was to be stored.
enum Put<'c> {
    Created,
    Changed,
    /// Others changed it meanwhile.
    Conflict(Declared<'c>, StoreError),
}

/// Stores what differs, all at once, and what others changed meanwhile again. Returns how many were
/// created and how many changed.
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
            Some(put(store, one, endpoint, over).boxed())
        });
        let differing: Vec<_> = differing.collect();
        let mut puts = stream::iter(differing).buffer_unordered(AT_ONCE);
        while let Some(put) = puts.try_next().await? {
            match put {
                Put::Created => created += 1,
                Put::Changed => changed += 1,
                Put::Conflict(_, error) if tried == TRIES => return Err(error),
                Put::Conflict(one, _) => left.push(one),
            }
        }
        if left.is_empty() {
            break;
        }
        read_again = Some(Stored::read(store).await?);
    }
    Ok((created, changed))
}

async fn put<'c>(
    store: &dyn Tenants,
    declared: Declared<'c>,
    endpoint: Endpoint,
    over: Option<u64>,
) -> Result<Put<'c>, StoreError> {
    match store.put_endpoint(&endpoint, over).await {
        Ok(_) if over.is_some() => Ok(Put::Changed),
        Ok(_) => Ok(Put::Created),
        Err(error @ StoreError::Conflict { .. }) => Ok(Put::Conflict(declared, error)),
        Err(error) => Err(error),
    }
}

impl Declared<'_> {
    /// Returns the endpoint to store and the version that it replaces, where it differs from the
    /// one that is stored.
    fn difference(&self, stored: &Stored, now: Millis) -> Option<(Endpoint, Option<u64>)> {
        let before = stored.get(self.tenant, self.id);
        let spec = agreed(self.spec.clone(), self.hand, before)?;
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

/// Returns how many were removed.
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

/// Makes calls to the store that say whether they did something, and returns how many did.
async fn count(calls: Vec<BoxFuture<'_, Result<bool, StoreError>>>) -> Result<usize, StoreError> {
    let mut calls = stream::iter(calls).buffer_unordered(AT_ONCE);
    let mut count = 0;
    while let Some(did_something) = calls.try_next().await? {
        count += usize::from(did_something);
    }
    Ok(count)
}
