//! The outcome of a cell.

use std::time::Duration;

/// The outcome of a cell.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub cell: String,
    pub seed: u64,
    pub counts: Counts,
    pub duplicates: usize,
    /// The time from the end of the fault to the recovery.
    pub recovered: Option<Duration>,
    /// The time that the sender took to stop.
    pub stopped: Option<Duration>,
    pub took: Duration,
    /// The broken promises, each with the observation.
    pub failures: Vec<String>,
    /// The missing tools, if the cell was not run.
    pub missing: Option<String>,
}

/// The events of a cell. `accepted` is the sum of the others, or some were lost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub accepted: usize,
    pub delivered: usize,
    pub pending: usize,
    pub dead: usize,
    pub rejected: usize,
    /// Accepted, and lost together with confirmed writes of the store.
    pub forgiven: usize,
    pub lost: usize,
}

impl Outcome {
    pub fn passed(&self) -> bool {
        self.failures.is_empty() && self.missing.is_none()
    }

    pub fn fail(&mut self, failure: impl Into<String>) {
        self.failures.push(failure.into());
    }

    /// Records a failure unless `kept`.
    pub fn check(&mut self, kept: bool, failure: impl FnOnce() -> String) {
        if !kept {
            self.failures.push(failure());
        }
    }
}
