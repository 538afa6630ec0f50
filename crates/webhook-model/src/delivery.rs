//! Deliveries: one event for one endpoint.

use serde::{Deserialize, Serialize};

use super::{Attempt, DeliveryId, EndpointId, EventId, Millis};

/// The state of a delivery: `pending → in_flight → succeeded | pending | dead`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Waits for its due time, or for earlier deliveries of its ordering group.
    Pending,
    /// Claimed by a sender process, under its lease.
    InFlight,
    /// The receiver responded with 2xx.
    Succeeded,
    /// A dead letter: its schedule has ended, and it can be replayed.
    Dead,
}

impl DeliveryState {
    pub const ALL: [Self; 4] = [Self::Pending, Self::InFlight, Self::Succeeded, Self::Dead];

    /// Returns the name in JSON, stores and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InFlight => "in_flight",
            Self::Succeeded => "succeeded",
            Self::Dead => "dead",
        }
    }

    /// Returns the state of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// A delivery as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub id: DeliveryId,
    pub event: EventId,
    #[serde(rename = "type")]
    pub kind: String,
    pub endpoint: EndpointId,
    pub state: DeliveryState,
    /// The time of planning.
    pub created_at: Millis,
    /// The due time of the next attempt, while `pending`.
    pub next_attempt_at: Option<Millis>,
    /// The reason of a dead delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// All attempts in order, including those before a replay.
    pub attempts: Vec<Attempt>,
}
