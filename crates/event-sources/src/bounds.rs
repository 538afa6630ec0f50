//! The bounds on entries in memory.

use webhook_model::MAX_DATA_BYTES;

/// The most bytes of entries in memory, of all sources of a process together.
const BUDGET_BYTES: usize = 32 << 20;

/// The bounds of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The most entries that are passed to the sink at a time. Twice as many may be in memory.
    pub max_entries: usize,
    /// The most bytes of entries in memory. A single entry may exceed it.
    pub max_bytes: usize,
    /// The most bytes of an event's data.
    pub max_data_bytes: usize,
}

impl Bounds {
    /// Returns the bounds of each of `sources` sources, which share one budget in equal parts. A source
    /// whose entries wait for the store thereby takes no memory from the others.
    pub fn shared_by(sources: usize, max_data_bytes: usize) -> Self {
        Self {
            max_entries: 512,
            max_bytes: BUDGET_BYTES / sources.max(1),
            max_data_bytes,
        }
    }

    /// Returns these bounds with a quarter of the bytes: for a source whose replies and redelivered
    /// entries may take as many bytes again each.
    pub fn a_quarter(self) -> Self {
        Self {
            max_bytes: self.max_bytes / 4,
            ..self
        }
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self::shared_by(1, MAX_DATA_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_sources_together_have_one_budget() {
        for sources in [1, 2, 3, 100] {
            let each = Bounds::shared_by(sources, 1).max_bytes;
            assert!(each > 0 && each * sources <= BUDGET_BYTES);
        }
        assert_eq!(Bounds::shared_by(0, 1), Bounds::shared_by(1, 1));
    }
}
