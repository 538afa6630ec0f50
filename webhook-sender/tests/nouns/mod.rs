//! An endpoint as most tests want it.

use std::collections::BTreeMap;

use webhook_sender::model::{Endpoint, EndpointId, Millis, Origin, Pattern, Secret, TenantId};

/// The secret of every endpoint of the tests.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// An endpoint that wants everything as it was published.
pub fn endpoint(tenant: &TenantId, id: &str, made: Millis) -> Endpoint {
    Endpoint {
        tenant: tenant.clone(),
        id: EndpointId::parse(id).unwrap(),
        url: format!("https://{id}.example/hooks"),
        events: vec![Pattern::parse("*").unwrap()],
        filter: None,
        transform: None,
        transform_component: None,
        secrets: vec![Secret::new(SECRET).unwrap()],
        schemes: Vec::new(),
        headers: BTreeMap::new(),
        rate_limit: None,
        max_in_flight: None,
        ordered: false,
        retry: None,
        timeout: None,
        enabled: true,
        disabled_reason: None,
        handshake: None,
        origin: Origin::Api,
        created_at: made,
        updated_at: made,
        failing_since: None,
        version: 0,
    }
}
