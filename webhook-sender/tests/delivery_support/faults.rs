//! Faults of the store in memory.

use webhook_model::DeliveryId;
use webhook_store::{Outcome, StoreError};

type Result<T> = std::result::Result<T, StoreError>;

/// The faults of later calls.
#[derive(Default)]
pub struct Faults {
    /// The number of calls of `claim` that fail.
    pub failing_claims: usize,
    /// The number of deliveries that `claim` returns beyond the limit of each request.
    pub excess_claims: usize,
    /// The number of calls of `complete` that fail.
    pub failing_completes: usize,
    /// The number of calls of `complete` that panic.
    pub panicking_completes: usize,
    /// The delivery with whose outcomes a call of `complete` is rejected.
    pub rejected: Option<DeliveryId>,
    /// The number of calls of `event` that panic. An attempt calls it if its body is not rendered
    /// yet.
    pub panicking_events: usize,
}

impl Faults {
    pub(super) fn of_claim(&mut self) -> Result<()> {
        if take_one(&mut self.failing_claims) {
            return Err(unavailable());
        }
        Ok(())
    }

    pub(super) fn of_complete(&mut self, outcomes: &[Outcome]) -> Result<()> {
        if take_one(&mut self.failing_completes) {
            return Err(unavailable());
        }
        let panics = take_one(&mut self.panicking_completes);
        assert!(!panics, "a fault of the store");
        let rejected = |outcome: &Outcome| self.rejected.as_ref() == Some(&outcome.id);
        if outcomes.iter().any(rejected) {
            return Err(StoreError::ContentLost);
        }
        Ok(())
    }

    pub(super) fn of_event(&mut self) {
        let panics = take_one(&mut self.panicking_events);
        assert!(!panics, "a fault of the store");
    }
}

/// Takes one from a number of calls. Returns false if none is left.
fn take_one(calls: &mut usize) -> bool {
    let some = *calls > 0;
    *calls -= usize::from(some);
    some
}

pub(super) fn unavailable() -> StoreError {
    StoreError::Unavailable {
        store: "fake".into(),
        detail: "unreachable".into(),
    }
}
