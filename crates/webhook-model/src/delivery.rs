//! An event on its way to one endpoint.

use serde::{Deserialize, Serialize};

use super::{Attempt, DeliveryId, EndpointId, EventId, Millis};

/// Where a delivery is: `pending → in_flight → succeeded | pending | dead`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Waits for its time, or for its turn.
    Pending,
    /// A sender process has it under its lease.
    InFlight,
    /// A receiver answered 2xx.
    Succeeded,
    /// Given up: a dead letter, which can be replayed.
    Dead,
}

impl DeliveryState {
    pub const ALL: [Self; 4] = [Self::Pending, Self::InFlight, Self::Succeeded, Self::Dead];

    /// As it is written in JSON, stores and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InFlight => "in_flight",
            Self::Succeeded => "succeeded",
            Self::Dead => "dead",
        }
    }

    /// The state of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// A delivery as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub id: DeliveryId,
    pub event: EventId,
    #[serde(rename = "type")]
    pub kind: String,
    pub endpoint: EndpointId,
    pub state: DeliveryState,
    /// When it was planned.
    pub created_at: Millis,
    /// When the next attempt is due, while `pending`.
    pub next_attempt_at: Option<Millis>,
    /// Why it is dead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// In the order they were made, those before a replay included.
    pub attempts: Vec<Attempt>,
}
