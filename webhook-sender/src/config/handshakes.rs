//! The handshakes that the declarations of a file require.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use async_trait::async_trait;
use futures::{FutureExt, StreamExt, stream};
use webhook_model::{Endpoint, EndpointId, Handshake, Secret, TenantId};

use super::new_secret::new_handshake_key;
use super::stored::Stored;
use super::{Config, EndpointSpec, TenantConfig, check};

/// The number of concurrent handshakes. Each uses its own connection.
const AT_ONCE: usize = 256;

/// A way to perform handshakes.
#[async_trait]
pub trait Handshakes: Send + Sync {
    /// Sends the key to the receiver of `target`.
    ///
    /// # Errors
    ///
    /// Fails if the receiver cannot be reached or rejects the key.
    async fn perform(&self, target: HandshakeTarget<'_>, key: &Secret) -> anyhow::Result<()>;
}

/// The target of a handshake: a stored endpoint or a declaration.
#[derive(Clone, Copy, Debug)]
pub struct HandshakeTarget<'a> {
    pub tenant: &'a TenantId,
    pub url: &'a str,
    pub headers: &'a BTreeMap<String, String>,
    /// The timeout of the endpoint, if it declares one.
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

/// The outcome of a required handshake, with its key.
pub(super) enum HandshakeOutcome {
    Accepted(Secret),
    Failed(Secret),
    /// No request was made, because the endpoint is disabled.
    Deferred(Secret),
}

/// The outcomes by endpoint. Endpoints that require no handshake are absent.
pub(super) type HandshakeOutcomes<'c> = HashMap<(&'c TenantId, &'c EndpointId), HandshakeOutcome>;

/// A handshake to make: its endpoint, the declaration and the key.
pub(super) type RequiredHandshake<'c> = ((&'c TenantId, &'c EndpointId), &'c EndpointSpec, Secret);

/// Makes the handshakes that the file requires and that were not made yet.
pub(super) async fn run_handshakes<'c>(
    config: &'c Config,
    stored: &Stored,
    handshakes: &dyn Handshakes,
) -> HandshakeOutcomes<'c> {
    let of = |tenant: &'c TenantConfig| tenant.endpoints.iter().map(move |one| (&tenant.id, one));
    let required = config.tenants.iter().flat_map(of);
    let required = required.filter_map(|(tenant, (id, spec))| {
        let key = key_to_send(spec, stored.get(tenant, id))?;
        Some(((tenant, id), spec, key))
    });
    run_all(required.collect(), handshakes).await
}

/// Makes handshakes concurrently.
pub(super) async fn run_all<'c>(
    required: Vec<RequiredHandshake<'c>>,
    handshakes: &dyn Handshakes,
) -> HandshakeOutcomes<'c> {
    let required = required
        .into_iter()
        .map(|(about, spec, key)| run_handshake(handshakes, about, spec, key).boxed());
    let required: Vec<_> = required.collect();
    let made = stream::iter(required).buffer_unordered(AT_ONCE);
    made.collect().await
}

async fn run_handshake<'c>(
    handshakes: &dyn Handshakes,
    about: (&'c TenantId, &'c EndpointId),
    spec: &EndpointSpec,
    key: Secret,
) -> ((&'c TenantId, &'c EndpointId), HandshakeOutcome) {
    if !spec.enabled {
        return (about, HandshakeOutcome::Deferred(key));
    }
    let (tenant, endpoint) = about;
    let target = HandshakeTarget {
        tenant,
        url: &spec.url,
        headers: &spec.headers,
        timeout: spec.timeout,
    };
    let outcome = match handshakes.perform(target, &key).await {
        Ok(()) => {
            tracing::info!(%tenant, %endpoint, "handshake accepted");
            HandshakeOutcome::Accepted(key)
        }
        Err(error) => {
            let error = format!("{error:#}");
            tracing::warn!(%tenant, %endpoint, error, "handshake failed; it will be retried");
            HandshakeOutcome::Failed(key)
        }
    };
    (about, outcome)
}

/// Returns the key to send if a handshake is required: for an endpoint that is new, has moved, has
/// another secret, or had no handshake before.
pub(super) fn key_to_send(spec: &EndpointSpec, stored: Option<&Endpoint>) -> Option<Secret> {
    spec.handshake?;
    let current = stored.and_then(|before| before.secrets.first());
    // The key of one receiver is not sent to another one, unless the file declares it.
    let stays = stored.filter(|before| before.url == spec.url);
    let kept = stays.and_then(|before| before.secrets.first());
    // A private ed25519 key is never sent.
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
