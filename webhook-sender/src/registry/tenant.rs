//! A tenant and its endpoints at one version.

use std::sync::Arc;

use webhook_model::{Endpoint, EndpointId};

use super::compiled_endpoint::CompiledEndpoint;

/// A tenant's endpoints at one version.
pub struct Tenant {
    /// As [`Tenants::endpoints`](webhook_store::Tenants::endpoints) answered it.
    pub version: u64,
    /// Those that can be used, in the order of their ids.
    pub endpoints: Vec<Arc<CompiledEndpoint>>,
    /// Those that cannot, each with the reason: they were checked when they were written, so
    /// another version of the sender wrote them. Their events become dead letters.
    pub unusable: Vec<(Endpoint, String)>,
    /// When it was loaded: the number of the reload.
    pub(super) loaded: u64,
    /// The identity of the content that it was loaded from.
    pub(super) identity: String,
}

impl Tenant {
    pub(super) fn is_current(&self) -> bool {
        self.endpoints.iter().all(|compiled| compiled.is_current())
    }

    pub(super) fn endpoint(&self, id: &EndpointId) -> Option<&Arc<CompiledEndpoint>> {
        let at = self
            .endpoints
            .binary_search_by(|compiled| compiled.endpoint.id.cmp(id));
        self.endpoints.get(at.ok()?)
    }
}
