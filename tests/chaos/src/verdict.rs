//! What a cell came to.

use std::time::Duration;

/// What a cell came to: it passed where `failures` is empty.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub cell: String,
    pub seed: u64,
    pub counts: Counts,
    pub duplicates: usize,
    /// How long after the fault everything worked again.
    pub recovered: Option<Duration>,
    /// How long the sender took to stop.
    pub stopped: Option<Duration>,
    pub took: Duration,
    /// The promises that were broken, each with what was seen.
    pub failures: Vec<String>,
    /// Why the cell was not run.
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
    /// Accepted, and lost with what the store had confirmed.
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

    /// Notes a failure unless `kept`.
    pub fn check(&mut self, kept: bool, failure: impl FnOnce() -> String) {
        if !kept {
            self.failures.push(failure());
        }
    }
}
