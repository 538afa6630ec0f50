//! The parts that all pages share.

use std::ops::Deref;
use std::sync::Arc;

use webhook_model::Clock;

use super::backend::Backend;
use super::gate::Gate;

/// The parts of the sender that the pages use.
pub struct Parts {
    pub backend: Backend,
    pub gate: Arc<dyn Gate>,
    pub clock: Clock,
    /// Set if browsers are known to reach the pages over TLS.
    pub is_https: bool,
}

/// A handle to the [`Parts`], cheap to clone.
#[derive(Clone)]
pub struct Pages(Arc<Parts>);

impl Pages {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for Pages {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}
