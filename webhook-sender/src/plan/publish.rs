//! Publishes what happens to events, to readers that follow their tenant.

use webhook_model::{Event, Rejected, TenantId};
use webhook_store::{Acceptance, Planned};

use super::planner::{Inner, Planner};
use crate::feed::Happening;

impl Planner {
    /// Publishes an event that was kept as rejected.
    pub fn publish_rejected(&self, rejected: &Rejected) {
        self.0.publish_rejected(rejected);
    }
}

impl Inner {
    pub(super) fn publish_rejected(&self, rejected: &Rejected) {
        if let Some(tenant) = &rejected.tenant {
            let (id, code) = (&rejected.id, &rejected.code);
            let happening = || Happening::Rejected {
                id: id.clone(),
                code: code.clone(),
            };
            self.feed.publish(tenant, rejected.at, happening);
        }
    }

    /// Publishes the events that were accepted.
    pub(super) fn publish_accepted(
        &self,
        tenant: &TenantId,
        events: &[Event],
        accepted: &[Acceptance],
    ) {
        for (event, acceptance) in events.iter().zip(accepted) {
            if matches!(acceptance, Acceptance::New) {
                let now = self.parts.clock.now();
                self.feed.publish(tenant, now, || Happening::Accepted {
                    event: event.id.clone(),
                    kind: event.kind.clone(),
                });
            }
        }
    }

    /// Publishes the events that were planned.
    pub(super) fn publish_planned(&self, tenant: &TenantId, events: &[Event], planned: &[Planned]) {
        for (event, planned) in events.iter().zip(planned) {
            if matches!(planned, Planned::New { .. }) {
                let now = self.parts.clock.now();
                self.feed.publish(tenant, now, || Happening::Planned {
                    event: event.id.clone(),
                    kind: event.kind.clone(),
                });
            }
        }
    }
}
