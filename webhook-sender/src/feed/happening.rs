//! Happenings.

use serde::Serialize;
use webhook_model::{DeliveryId, EndpointId, EventId};

/// Something that has happened to a tenant's events, deliveries or endpoints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Happening {
    /// An event is kept, and will be planned from the store.
    Accepted {
        event: EventId,
        #[serde(rename = "type")]
        kind: String,
    },
    /// The deliveries of an event are created.
    Planned {
        event: EventId,
        #[serde(rename = "type")]
        kind: String,
    },
    /// An event could not be planned.
    Rejected {
        /// The id of the dead letter.
        id: String,
        code: String,
    },
    /// An attempt has ended.
    Attempted {
        delivery: DeliveryId,
        event: EventId,
        endpoint: EndpointId,
        /// Counted from 1.
        attempt: u32,
        status: Option<u16>,
        error: Option<String>,
        phase: Option<&'static str>,
        duration_ms: Option<u32>,
        /// The state of the delivery after it.
        state: &'static str,
    },
    /// A key, or the sender itself, has changed something.
    Changed {
        /// The action, as the audit list names it; `endpoint.failing` and `endpoint.recovered` are not in the
        /// list.
        action: &'static str,
        target: Option<String>,
    },
}

impl Happening {
    /// Returns the name of its kind.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "event-accepted",
            Self::Planned { .. } => "event-planned",
            Self::Rejected { .. } => "event-rejected",
            Self::Attempted { .. } => "attempt",
            Self::Changed { .. } => "change",
        }
    }
}
