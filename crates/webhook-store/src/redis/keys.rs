//! The names of the keys. See the table in the module's documentation.

use webhook_model::{DeliveryId, EndpointId, EventId, TenantId};

/// Starts every key of this store.
const PREFIX: &str = "ws";

/// What stands for a tenant's id in the keys that all share: no tenant can be called so.
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

    /// The hash of endpoints, which every script of the tenant is called with.
    pub(super) fn root(&self) -> Vec<u8> {
        format!("{}t", self.base).into_bytes()
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    pub(super) fn delivery(&self, id: &DeliveryId) -> String {
        format!("{}d:{id}", self.base)
    }

    pub(super) fn event(&self, id: &EventId) -> String {
        format!("{}e:{id}", self.base)
    }

    pub(super) fn leased(&self, incarnation: &str) -> String {
        format!("{}l:{incarnation}", self.base)
    }

    /// The endpoints that deliveries were planned for.
    pub(super) fn planned_for(&self) -> String {
        format!("{}i", self.base)
    }

    /// The ids of accepted events, the oldest first.
    pub(super) fn accepted(&self) -> String {
        format!("{}a", self.base)
    }

    /// An endpoint's deliveries by creation.
    pub(super) fn created(&self, endpoint: &EndpointId) -> String {
        format!("{}c:{endpoint}", self.base)
    }

    /// Of an endpoint's ordered deliveries those that have their turn.
    pub(super) fn turns(&self, endpoint: &str) -> String {
        format!("{}ns:{endpoint}", self.base)
    }

    /// An endpoint's dead deliveries by creation.
    pub(super) fn dead(&self, endpoint: &EndpointId) -> String {
        format!("{}z:{endpoint}", self.base)
    }
}

/// A key that all share: they are in one slot as well.
fn shared(name: &str) -> String {
    format!("{PREFIX}:{{{SHARED}}}:{name}")
}

/// Tenants and the versions of their endpoints; 0 is one that is being made or removed.
pub(super) fn tenants() -> String {
    shared("t")
}

/// The highest version that a removed tenant had.
pub(super) fn highest_version() -> String {
    shared("v")
}

/// Tenants by the moment their next delivery is due, or an earlier one.
pub(super) fn hints() -> String {
    shared("due")
}

/// Tenants that may have accepted events.
pub(super) fn backlog() -> String {
    shared("a")
}

/// The owners by incarnation.
pub(super) fn owners() -> String {
    shared("o")
}

/// Rejected events by their ids.
pub(super) fn rejected_values() -> String {
    shared("rv")
}

/// The ids of rejected events in the order they came.
pub(super) fn rejected() -> String {
    shared("r")
}

/// The same of one tenant, or of none.
pub(super) fn rejected_of(tenant: Option<&TenantId>) -> String {
    shared(&format!("r:{}", tenant.map_or("", TenantId::as_str)))
}

/// The identity of the content.
pub(super) fn identity() -> String {
    shared("id")
}

/// What `ping` writes.
pub(super) fn ping() -> String {
    shared("ping")
}

/// The channel on which processes tell each other that something is due earlier than before.
pub(super) fn wake() -> String {
    shared("wake")
}
