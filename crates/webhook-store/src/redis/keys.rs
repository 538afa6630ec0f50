//! The names of the keys. See the table in the module's documentation.

use webhook_model::{DeliveryId, EndpointId, EventId, EventState, TenantId};

/// The prefix of every key of this store.
const PREFIX: &str = "ws";

/// The text in place of a tenant's id in shared keys. It is not a valid id.
const SHARED: &str = "*";

/// The names of a tenant's keys, which are all in one slot.
pub(super) struct TenantKeys {
    base: String,
}

impl TenantKeys {
    pub(super) fn of(tenant: &TenantId) -> Self {
        Self {
            base: format!("{PREFIX}:{{{tenant}}}:"),
        }
    }

    /// Returns the key of the hash of endpoints, which every script of the tenant is called with.
    pub(super) fn root(&self) -> Vec<u8> {
        format!("{}t", self.base).into_bytes()
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    pub(super) fn delivery(&self, id: &DeliveryId) -> String {
        format!("{}d:{id}", self.base)
    }

    /// Returns the key of the body that a transform rendered for a delivery.
    pub(super) fn body(&self, id: &DeliveryId) -> String {
        format!("{}b:{id}", self.base)
    }

    pub(super) fn event(&self, id: &EventId) -> String {
        format!("{}e:{id}", self.base)
    }

    pub(super) fn leased(&self, incarnation: &str) -> String {
        format!("{}l:{incarnation}", self.base)
    }

    /// Returns the key of the set of endpoints that have deliveries.
    pub(super) fn planned_for(&self) -> String {
        format!("{}i", self.base)
    }

    /// Returns the key of the list of accepted events, the oldest first.
    pub(super) fn accepted(&self) -> String {
        format!("{}a", self.base)
    }

    /// Returns the key of the accepted events, or of the planned ones, by their time of acceptance.
    pub(super) fn events(&self, state: EventState) -> String {
        let accepted = state == EventState::Accepted;
        format!("{}{}", self.base, if accepted { "ea" } else { "ep" })
    }

    /// Returns the key of an endpoint's deliveries by creation.
    pub(super) fn created(&self, endpoint: &EndpointId) -> String {
        format!("{}c:{endpoint}", self.base)
    }

    /// Returns the key of an endpoint's ordering groups and their current deliveries.
    pub(super) fn turns(&self, endpoint: &str) -> String {
        format!("{}ns:{endpoint}", self.base)
    }

    /// Returns the key of an endpoint's deliveries whose last attempt failed, by creation.
    pub(super) fn failed(&self, endpoint: &EndpointId) -> String {
        format!("{}f:{endpoint}", self.base)
    }

    /// Returns the key of the score from which on deliveries are in the lists of failed ones.
    pub(super) fn failed_since(&self) -> String {
        format!("{}fs", self.base)
    }

    /// Returns the key of an endpoint's dead deliveries by creation.
    pub(super) fn dead(&self, endpoint: &EndpointId) -> String {
        format!("{}z:{endpoint}", self.base)
    }
}

/// Returns a shared key. All shared keys are in one slot.
fn shared(name: &str) -> String {
    format!("{PREFIX}:{{{SHARED}}}:{name}")
}

/// The key of the tenants and the versions of their endpoints; 0 while a tenant is being created or
/// deleted.
pub(super) fn tenants() -> String {
    shared("t")
}

/// The key of the highest version of a deleted tenant.
pub(super) fn highest_version() -> String {
    shared("v")
}

/// The key of the hints: tenants by the time at which their next delivery is due, or an earlier one.
pub(super) fn hints() -> String {
    shared("due")
}

/// The key of the tenants that may have accepted events.
pub(super) fn backlog() -> String {
    shared("a")
}

/// The key of the owners by incarnation.
pub(super) fn owners() -> String {
    shared("o")
}

/// The key of the rejected events by id.
pub(super) fn rejected_values() -> String {
    shared("rv")
}

/// The key of the ids of rejected events in the order of rejection.
pub(super) fn rejected() -> String {
    shared("r")
}

/// The key of the ids of rejected events of one tenant, or of none.
pub(super) fn rejected_of(tenant: Option<&TenantId>) -> String {
    shared(&format!("r:{}", tenant.map_or("", TenantId::as_str)))
}

/// The key of the access keys by id.
pub(super) fn access_keys() -> String {
    shared("key")
}

/// The key of the last uses of access keys.
pub(super) fn key_uses() -> String {
    shared("key:use")
}

/// The key of the sessions by hash.
pub(super) fn access_sessions() -> String {
    shared("ses")
}

/// The key of the hashes of sessions by id.
pub(super) fn session_ids() -> String {
    shared("ses:id")
}

/// The key of the ids of a tenant's portal sessions.
pub(super) fn sessions_of(tenant: &TenantId) -> String {
    shared(&format!("ses:of:{tenant}"))
}

/// The key of the audit entries by id.
pub(super) fn audit() -> String {
    shared("aud")
}

/// The key of the ids of audit entries, of a tenant or of all.
pub(super) fn audit_ids(tenant: Option<&TenantId>) -> String {
    match tenant {
        Some(tenant) => shared(&format!("aud:ids:{tenant}")),
        None => shared("aud:ids"),
    }
}

/// The key of the identity of the content.
pub(super) fn identity() -> String {
    shared("id")
}

/// The key that `ping` writes.
pub(super) fn ping() -> String {
    shared("ping")
}

/// The channel on which processes announce that a delivery is due earlier than before.
pub(super) fn wake() -> String {
    shared("wake")
}
