//! The hashes of ids of new rows: see [`ids`](crate::sqlite::ids).

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// A hash, and the key of an event or a delivery with an id of that hash.
pub(in crate::sqlite) type Entry = (i64, i64);

/// All entries.
pub(in crate::sqlite) const ALL: RangeInclusive<Entry> =
    (i64::MIN, i64::MIN)..=(i64::MAX, i64::MAX);

/// Entries that are not in the table, and entries to delete from it.
#[derive(Default)]
pub(in crate::sqlite) struct RecentIds {
    added: BTreeSet<Entry>,
    /// Entries that the table has since its last change. Reads that began before do not see them
    /// there.
    moved: BTreeSet<Entry>,
    /// Entries in the table whose rows are deleted.
    removed: BTreeSet<Entry>,
}

impl RecentIds {
    pub fn add(&mut self, entry: Entry) {
        self.added.insert(entry);
    }

    /// Removes the entry of a row whose deletion is committed.
    pub fn remove(&mut self, entry: Entry) {
        if !self.added.remove(&entry) {
            self.removed.insert(entry);
        }
    }

    /// Returns the keys of the entries with this hash.
    pub fn keys(&self, hash: i64) -> Vec<i64> {
        let range = (hash, i64::MIN)..=(hash, i64::MAX);
        let found = self.added.range(range.clone());
        let found = found.chain(self.moved.range(range));
        found.map(|(_, key)| *key).collect()
    }

    /// Returns the number of changes that the table lacks.
    pub fn len(&self) -> usize {
        self.added.len() + self.removed.len()
    }

    /// Returns the first `most` entries in a range, in order, of keys up to `last_key`.
    pub fn added(&self, range: RangeInclusive<Entry>, last_key: i64, most: usize) -> Vec<Entry> {
        let added = self.added.range(range);
        let added = added.filter(|(_, key)| *key <= last_key);
        added.take(most).copied().collect()
    }

    pub fn removed(&self, range: RangeInclusive<Entry>) -> Vec<Entry> {
        self.removed.range(range).copied().collect()
    }

    /// Records that the table has `added`, and no longer has `removed`.
    pub fn moved(&mut self, added: &[Entry], removed: &[Entry]) {
        for entry in added {
            // An entry that was removed meanwhile is among those to delete.
            if self.added.remove(entry) {
                self.moved.insert(*entry);
            }
        }
        for entry in removed {
            self.removed.remove(entry);
        }
    }

    pub fn has_moved(&self) -> bool {
        !self.moved.is_empty()
    }

    /// Forgets the entries that every read sees in the table.
    pub fn forget_moved(&mut self) {
        self.moved.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recent(entries: &[Entry]) -> RecentIds {
        let mut recent = RecentIds::default();
        entries.iter().for_each(|entry| recent.add(*entry));
        recent
    }

    #[test]
    fn an_entry_is_found_until_every_read_sees_it_in_the_table() {
        let mut recent = recent(&[(5, 1), (5, 2), (6, 3)]);
        assert_eq!(recent.keys(5), [1, 2]);
        recent.moved(&[(5, 1)], &[]);
        assert_eq!((recent.keys(5), recent.len()), (vec![2, 1], 2));
        recent.forget_moved();
        assert_eq!(recent.keys(5), [2]);
    }

    #[test]
    fn a_row_that_is_deleted_after_its_entry_was_moved_is_deleted_from_the_table() {
        let mut recent = recent(&[(5, 1), (6, 2)]);
        recent.moved(&[(5, 1)], &[]);
        recent.remove((5, 1));
        recent.remove((6, 2));
        assert_eq!(recent.removed(ALL), [(5, 1)]);
        assert_eq!(recent.added(ALL, i64::MAX, 9), []);
    }

    #[test]
    fn entries_are_taken_in_order_without_later_keys() {
        let recent = recent(&[(7, 1), (-3, 2), (0, 9), (1, 3)]);
        assert_eq!(recent.added(ALL, 8, 2), [(-3, 2), (1, 3)]);
        let rest = (1, 4)..=(i64::MAX, i64::MAX);
        assert_eq!(recent.added(rest, 8, 2), [(7, 1)]);
    }
}
