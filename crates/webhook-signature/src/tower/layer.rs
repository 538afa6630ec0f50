//! The layer and its options.

use alloc::sync::Arc;

use tower_layer::Layer;

use super::clock;
use super::policy::Policy;
use super::{DedupStore, VerifyService};
use crate::{Credential, Freshness, Scheme};

/// The default for the maximum size of a body: 1 MiB.
pub const MAX_BODY_BYTES: usize = 1 << 20;

/// A layer that verifies requests before they reach a service.
///
/// By default, it accepts only `standard`, tolerates timestamps that differ by five minutes from the
/// system clock, reads bodies of up to 1 MiB, and does not deduplicate ids.
///
/// ```
/// use webhook_signature::tower::{MemoryIds, VerifyLayer};
/// use webhook_signature::{Credential, Scheme};
///
/// let keys = [Credential::parse("this year's")?, Credential::parse("last year's")?];
/// let layer = VerifyLayer::new(keys)
///     .deduplicate(MemoryIds::new(100_000))
///     .tolerance(60)
///     .max_body_bytes(64 << 10);
/// # let _ = layer;
/// # Ok::<(), webhook_signature::CredentialError>(())
/// ```
#[derive(Clone)]
pub struct VerifyLayer(Policy);

impl VerifyLayer {
    /// Creates a layer that accepts requests signed under any of `credentials`.
    ///
    /// Pass several while a secret is being rotated. Without any, no request is accepted.
    pub fn new(credentials: impl IntoIterator<Item = Credential>) -> Self {
        Self(Policy {
            credentials: credentials.into_iter().collect(),
            weakest: Scheme::Standard,
            tolerance_seconds: Freshness::TOLERANCE,
            max_body_bytes: MAX_BODY_BYTES,
            clock: clock::system(),
            dedup: None,
        })
    }

    /// Accepts schemes down to this one. See [`verify`](crate::verify()).
    ///
    /// A request signed in a scheme weaker than `standard` has no id, so a replayed copy cannot be
    /// recognised: within the tolerance with `wss`, forever with `plain`. This includes requests
    /// signed in several schemes, after an attacker has removed the headers of `standard`.
    pub fn weakest(mut self, scheme: Scheme) -> Self {
        self.0.weakest = scheme;
        self
    }

    /// Sets the tolerance for signed timestamps in seconds, in both directions.
    pub fn tolerance(mut self, seconds: u64) -> Self {
        self.0.tolerance_seconds = seconds;
        self
    }

    /// Sets the maximum size of a body. Bodies are held in memory.
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.0.max_body_bytes = bytes;
        self
    }

    /// Uses `clock` for the time, in Unix seconds, instead of the system clock.
    pub fn clock(mut self, clock: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.0.clock = Arc::new(clock);
        self
    }

    /// Calls the handler once for each id that `store` remembers, as the
    /// [module](crate::tower#deduplication) describes.
    pub fn deduplicate(mut self, store: impl DedupStore) -> Self {
        self.0.dedup = Some(Arc::new(store));
        self
    }
}

impl<S> Layer<S> for VerifyLayer {
    type Service = VerifyService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        VerifyService::new(inner, Arc::new(self.0.clone()))
    }
}
