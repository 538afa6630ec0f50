//! The layer, and what can be chosen about it.

use alloc::sync::Arc;

use tower_layer::Layer;

use super::clock::{self, Clock};
use super::{SeenIds, VerifyService};
use crate::{Credential, Freshness, Scheme};

/// The longest body where nothing else is chosen: 1 MiB.
pub const MAX_BODY_BYTES: usize = 1 << 20;

/// Verifies requests before a service gets them.
///
/// Where nothing else is chosen it takes `standard` alone, times that lie five minutes from the
/// machine's clock, either way, bodies of up to 1 MiB, and remembers no id.
///
/// ```
/// use webhook_signature::tower::{MemoryIds, VerifyLayer};
/// use webhook_signature::{Credential, Scheme};
///
/// let keys = [Credential::parse("this year's")?, Credential::parse("last year's")?];
/// let layer = VerifyLayer::new(keys)
///     .remember(MemoryIds::new(100_000))
///     .tolerance(60)
///     .max_body_bytes(64 << 10);
/// # let _ = layer;
/// # Ok::<(), webhook_signature::CredentialError>(())
/// ```
#[derive(Clone)]
pub struct VerifyLayer(Policy);

/// What a request has to meet.
#[derive(Clone)]
pub(crate) struct Policy {
    pub(crate) credentials: Arc<[Credential]>,
    pub(crate) weakest: Scheme,
    pub(crate) tolerance_seconds: u64,
    pub(crate) max_body_bytes: usize,
    pub(crate) clock: Clock,
    pub(crate) seen: Option<Arc<dyn SeenIds>>,
}

impl VerifyLayer {
    /// A layer that lets through what is signed under any of these.
    ///
    /// Several are for the time while a secret is being replaced. With none, nothing passes.
    pub fn new(credentials: impl IntoIterator<Item = Credential>) -> Self {
        Self(Policy {
            credentials: credentials.into_iter().collect(),
            weakest: Scheme::Standard,
            tolerance_seconds: Freshness::TOLERANCE,
            max_body_bytes: MAX_BODY_BYTES,
            clock: clock::system(),
            seen: None,
        })
    }

    /// Takes schemes down to this one. See [`verify`](crate::verify()).
    ///
    /// What is signed in a scheme weaker than `standard` has no id, and so nothing tells its copy
    /// from it: within the tolerance with `wss`, for ever with `plain`. That includes what the
    /// sender signed in several schemes, once the headers of `standard` are taken off.
    pub fn weakest(mut self, scheme: Scheme) -> Self {
        self.0.weakest = scheme;
        self
    }

    /// Takes signed times so many seconds from the receiver's, either way.
    pub fn tolerance(mut self, seconds: u64) -> Self {
        self.0.tolerance_seconds = seconds;
        self
    }

    /// Takes bodies of up to so many bytes. They are held in memory.
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.0.max_body_bytes = bytes;
        self
    }

    /// Asks `clock` for the time, in Unix seconds, instead of the machine's.
    pub fn clock(mut self, clock: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.0.clock = Arc::new(clock);
        self
    }

    /// Calls the handler once for each id that `store` remembers, as the
    /// [module](crate::tower#seen-ids) describes.
    pub fn remember(mut self, store: impl SeenIds) -> Self {
        self.0.seen = Some(Arc::new(store));
        self
    }
}

impl<S> Layer<S> for VerifyLayer {
    type Service = VerifyService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        VerifyService::new(inner, Arc::new(self.0.clone()))
    }
}
