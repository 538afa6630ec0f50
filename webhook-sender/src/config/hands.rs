//! The handshakes that a file asks for.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use async_trait::async_trait;
use futures::{FutureExt, StreamExt, stream};
use webhook_model::{Endpoint, EndpointId, Handshake, Secret, TenantId};

use super::new_secret::new_handshake_key;
use super::stored::Stored;
use super::{Config, EndpointSpec, TenantConfig, check};

/// How many handshakes are under way at a time: each has a connection of its own.
const AT_ONCE: usize = 256;

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
pub(super) type Hands<'c> = HashMap<(&'c TenantId, &'c EndpointId), Hand>;

/// Makes every handshake that the file asks for and that was not made yet.
pub(super) async fn shake<'c>(
    config: &'c Config,
    stored: &Stored,
    handshakes: &dyn Handshakes,
) -> Hands<'c> {
    let of = |tenant: &'c TenantConfig| tenant.endpoints.iter().map(move |one| (&tenant.id, one));
    let asked = config.tenants.iter().flat_map(of);
    let asked = asked.filter_map(|(tenant, (id, spec))| {
        let key = wanted(spec, stored.get(tenant, id))?;
        Some(one(handshakes, (tenant, id), spec, key).boxed())
    });
    let asked: Vec<_> = asked.collect();
    let made = stream::iter(asked).buffer_unordered(AT_ONCE);
    made.collect().await
}

async fn one<'c>(
    handshakes: &dyn Handshakes,
    about: (&'c TenantId, &'c EndpointId),
    spec: &EndpointSpec,
    key: Secret,
) -> ((&'c TenantId, &'c EndpointId), Hand) {
    if !spec.enabled {
        return (about, Hand::PutOff(key));
    }
    let (tenant, endpoint) = about;
    let target = HandshakeTarget {
        tenant,
        url: &spec.url,
        headers: &spec.headers,
        timeout: spec.timeout,
    };
    let hand = match handshakes.give(target, &key).await {
        Ok(()) => {
            tracing::info!(%tenant, %endpoint, "handshake made");
            Hand::Taken(key)
        }
        Err(error) => {
            let error = format!("{error:#}");
            tracing::warn!(%tenant, %endpoint, error, "handshake failed; it will be made again");
            Hand::Refused(key)
        }
    };
    (about, hand)
}

/// Returns the key to hand out, where there is a handshake to be made: of an endpoint that is new,
/// has moved, has another secret, or had no handshake before.
fn wanted(spec: &EndpointSpec, stored: Option<&Endpoint>) -> Option<Secret> {
    spec.handshake?;
    let current = stored.and_then(|before| before.secrets.first());
    // What one receiver was given is handed to no other, unless the file says so.
    let stays = stored.filter(|before| before.url == spec.url);
    let kept = stays.and_then(|before| before.secrets.first());
    // The private half of a pair is handed to nobody.
    let shared = |key: &&Secret| check::handshake(Handshake::Key, Some(key)).is_ok();
    let Some(key) = spec.secret.as_ref().or(kept).filter(shared) else {
        return Some(new_handshake_key());
    };
    let is_made = stored.is_some_and(|before| {
        before.handshake.is_some()
            && before.url == spec.url
            && current.is_some_and(|current| current.reveal() == key.reveal())
    });
    (!is_made).then(|| key.clone())
}
