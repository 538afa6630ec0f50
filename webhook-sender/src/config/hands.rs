//! The handshakes that a file asks for.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;

use super::apply::stored;
use super::{Config, EndpointSpec, check};
use crate::handshake::new_key;
use crate::model::{Endpoint, EndpointId, Handshake, Secret, TenantId};
use crate::store::{Store, StoreError};

/// Gives receivers their keys.
#[async_trait]
pub trait Handshakes: Send + Sync {
    /// Gives the receiver of `target` its key.
    ///
    /// # Errors
    ///
    /// Why the receiver did not accept it.
    async fn give(&self, target: HandshakeTarget<'_>, key: &Secret) -> anyhow::Result<()>;
}

/// The endpoint that a handshake is made with, stored or only declared.
#[derive(Clone, Copy, Debug)]
pub struct HandshakeTarget<'a> {
    pub tenant: &'a TenantId,
    pub url: &'a str,
    pub headers: &'a BTreeMap<String, String>,
    /// Its own timeout, where it has one.
    pub timeout: Option<Duration>,
}

impl<'a> From<&'a Endpoint> for HandshakeTarget<'a> {
    fn from(endpoint: &'a Endpoint) -> Self {
        Self {
            tenant: &endpoint.tenant,
            url: &endpoint.url,
            headers: &endpoint.headers,
            timeout: endpoint.timeout,
        }
    }
}

/// What came of a handshake that had to be made, and the key that it was about.
pub(super) enum Hand {
    Taken(Secret),
    Refused(Secret),
    /// The endpoint is disabled: its receiver is not asked yet.
    PutOff(Secret),
}

/// The handshakes of a file, by their endpoints. Those that were made before are not among them.
pub(super) type Hands = HashMap<(TenantId, EndpointId), Hand>;

/// Makes every handshake that the file asks for and that was not made yet, all at the same time.
pub(super) async fn shake(
    config: &Config,
    store: &dyn Store,
    handshakes: &dyn Handshakes,
) -> Result<Hands, StoreError> {
    let mut asked = Vec::new();
    for tenant in &config.tenants {
        let stored = stored(store, &tenant.id).await?;
        let wanted = tenant.endpoints.iter().filter_map(|(id, spec)| {
            let key = wanted(spec, stored.get(id))?;
            Some(((tenant.id.clone(), id.clone()), spec, key))
        });
        asked.extend(wanted);
    }
    let made = asked.into_iter().map(async |(about, spec, key)| {
        let hand = one(handshakes, &about, spec, key).await;
        (about, hand)
    });
    Ok(join_all(made).await.into_iter().collect())
}

async fn one(
    handshakes: &dyn Handshakes,
    (tenant, endpoint): &(TenantId, EndpointId),
    spec: &EndpointSpec,
    key: Secret,
) -> Hand {
    if !spec.enabled {
        return Hand::PutOff(key);
    }
    let target = HandshakeTarget {
        tenant,
        url: &spec.url,
        headers: &spec.headers,
        timeout: spec.timeout,
    };
    match handshakes.give(target, &key).await {
        Ok(()) => {
            tracing::info!(%tenant, %endpoint, "handshake made");
            Hand::Taken(key)
        }
        Err(error) => {
            let error = format!("{error:#}");
            tracing::warn!(%tenant, %endpoint, error, "handshake failed; it will be made again");
            Hand::Refused(key)
        }
    }
}

/// The key to hand out, where there is a handshake to be made: of an endpoint that is new, has moved,
/// has another secret, or had no handshake before.
fn wanted(spec: &EndpointSpec, stored: Option<&Endpoint>) -> Option<Secret> {
    spec.handshake?;
    let current = stored.and_then(|before| before.secrets.first());
    // The private half of a pair is handed to nobody.
    let shared = |key: &&Secret| check::handshake(Handshake::Key, Some(key)).is_ok();
    let Some(key) = spec.secret.as_ref().or(current).filter(shared) else {
        return Some(new_key());
    };
    let is_made = stored.is_some_and(|before| {
        before.handshake.is_some()
            && before.url == spec.url
            && current.is_some_and(|current| current.reveal() == key.reveal())
    });
    (!is_made).then(|| key.clone())
}
