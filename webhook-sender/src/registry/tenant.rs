//! A tenant and its endpoints at one version.

use std::sync::Arc;

use webhook_model::{Endpoint, EndpointId};

use super::compiled_endpoint::CompiledEndpoint;

/// A tenant's endpoints at one version.
pub struct Tenant {
    /// The version, as [`Tenants::endpoints`](webhook_store::Tenants::endpoints) returned it.
    pub version: u64,
    /// The usable endpoints, in the order of their ids.
    pub endpoints: Vec<Arc<CompiledEndpoint>>,
    /// The unusable endpoints, each with the reason. Endpoints are checked when they are written,
    /// so another version of the sender wrote these. Their events become dead letters.
    pub unusable: Vec<(Endpoint, String)>,
    /// The number of the reload that loaded it.
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
