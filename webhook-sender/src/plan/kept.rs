//! The result of storing an event.

use webhook_model::{Event, EventId};
use webhook_store::{Acceptance, Planned};

use super::PlanError;

/// A durable event. Its deliveries are stored, or will be planned from the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    pub id: EventId,
    /// Set if the event was known before. Nothing was changed then.
    pub known: bool,
}

/// The effect of storing an event.
pub(super) enum Kept {
    New,
    Known,
    Conflict,
}

impl From<&Planned> for Kept {
    fn from(planned: &Planned) -> Self {
        match planned {
            Planned::New { .. } => Self::New,
            Planned::Known => Self::Known,
            Planned::Conflict => Self::Conflict,
        }
    }
}

impl From<Acceptance> for Kept {
    fn from(acceptance: Acceptance) -> Self {
        match acceptance {
            Acceptance::New => Self::New,
            Acceptance::Known => Self::Known,
            Acceptance::Conflict => Self::Conflict,
        }
    }
}

/// Returns the result for the caller that submitted the event.
pub(super) fn submitted((event, kept): (&Event, Kept)) -> Result<Submitted, PlanError> {
    let id = event.id.clone();
    match kept {
        Kept::New => Ok(Submitted { id, known: false }),
        Kept::Known => Ok(Submitted { id, known: true }),
        Kept::Conflict => Err(PlanError::ConflictingId(id)),
    }
}
