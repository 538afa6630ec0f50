//! The rows that were read and are not removed yet.

use std::collections::BTreeSet;

/// Rows that were read in this session, by id.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// All that were read and are still in the table.
    taken: BTreeSet<i64>,
    /// Rows whose events are durable in the store, and which could not be removed from the table yet.
    durable: BTreeSet<i64>,
}

impl Rows {
    /// Records that a row was read.
    pub fn take(&mut self, id: i64) {
        self.taken.insert(id);
    }

    /// Records that rows are durable. Returns all rows to remove.
    pub fn durable(&mut self, ids: impl Iterator<Item = i64>) -> Vec<i64> {
        self.durable.extend(ids);
        self.durable.iter().copied().collect()
    }

    /// Records that rows were removed, except those that are left.
    pub fn removed(&mut self, ids: &[i64], left: &[i64]) {
        for id in ids.iter().filter(|id| !left.contains(id)) {
            self.durable.remove(id);
            self.taken.remove(id);
        }
    }

    /// Returns the ranges of ids between the rows that were read, without their bounds.
    pub fn gaps(&self) -> (Vec<i64>, Vec<i64>) {
        let (mut low, mut high) = (vec![i64::MIN], Vec::new());
        for id in &self.taken {
            match low.last_mut() {
                // Nothing is between two rows that follow each other.
                Some(last) if id.checked_sub(1) == Some(*last) => *last = *id,
                _ => {
                    high.push(*id);
                    low.push(*id);
                }
            }
        }
        high.push(i64::MAX);
        (low, high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gaps_are_what_was_not_read() {
        let mut rows = Rows::default();
        assert_eq!(rows.gaps(), (vec![i64::MIN], vec![i64::MAX]));
        for id in [1, 2, 3, 7, 8, 10] {
            rows.take(id);
        }
        let (low, high) = rows.gaps();
        assert_eq!(low, [i64::MIN, 3, 8, 10]);
        assert_eq!(high, [1, 7, 10, i64::MAX]);
    }

    #[test]
    fn a_row_that_could_not_be_removed_is_not_read_again_and_is_removed_later() {
        let mut rows = Rows::default();
        rows.take(1);
        rows.take(2);
        assert_eq!(rows.durable([1, 2].into_iter()), [1, 2]);
        rows.removed(&[1, 2], &[2]);
        assert_eq!(rows.gaps().1, [2, i64::MAX]);
        assert_eq!(rows.durable(std::iter::empty()), [2]);
        rows.removed(&[2], &[]);
        assert_eq!(rows.gaps().1, [i64::MAX]);
    }
}
