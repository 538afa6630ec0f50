//! The positions of partitions: which entries are under way, and which offset may be committed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Partition {
    pub topic: Arc<str>,
    pub number: i32,
}

/// A partition and an offset in it.
pub(super) type Position = (Partition, i64);

/// The partitions that are being read.
#[derive(Default)]
pub(super) struct Positions {
    partitions: HashMap<Partition, Reading>,
    /// The partition of each entry under way, by its number.
    under_way: HashMap<u64, Partition>,
    /// The number of the last entry. Never reused, so that an entry of a partition that was revoked is not
    /// taken for a later one.
    last: u64,
}

/// The state of a partition.
struct Reading {
    /// Entries that are not durable yet: their offsets, by their numbers, in the order of the partition.
    unsettled: BTreeMap<u64, i64>,
    /// The offset after the last entry that was read.
    next: i64,
    /// The offset that the group has.
    committed: i64,
    /// The offset before which entries may have been read by an earlier reader.
    redelivered_before: i64,
}

/// The state of a partition before its first entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Begin {
    pub committed: i64,
    pub redelivered_before: i64,
}

impl Reading {
    /// Returns the offset of the first entry that is not durable.
    fn position(&self) -> i64 {
        let first = self.unsettled.first_key_value();
        first.map_or(self.next, |(_, offset)| *offset)
    }
}

impl Positions {
    pub(super) fn knows(&self, partition: &Partition) -> bool {
        self.partitions.contains_key(partition)
    }

    /// Adds a partition that is being read from now on.
    pub(super) fn begin(&mut self, partition: Partition, begin: Begin) {
        let reading = Reading {
            unsettled: BTreeMap::new(),
            next: begin.committed,
            committed: begin.committed,
            redelivered_before: begin.redelivered_before,
        };
        self.partitions.insert(partition, reading);
    }

    /// Adds an entry of a known partition. Returns its number, and whether it may have been read before.
    /// Returns `None` for an unknown partition.
    pub(super) fn add(&mut self, partition: &Partition, offset: i64) -> Option<(u64, bool)> {
        let reading = self.partitions.get_mut(partition)?;
        self.last += 1;
        reading.unsettled.insert(self.last, offset);
        reading.next = offset + 1;
        self.under_way.insert(self.last, partition.clone());
        Some((self.last, offset < reading.redelivered_before))
    }

    /// Records that an entry is durable. Returns `false` if it is unknown, because its partition was
    /// revoked.
    pub(super) fn settle(&mut self, number: u64) -> bool {
        let Some(partition) = self.under_way.remove(&number) else {
            return false;
        };
        let reading = self.partitions.get_mut(&partition);
        reading.is_some_and(|reading| reading.unsettled.remove(&number).is_some())
    }

    /// Returns the positions that the group does not have yet.
    pub(super) fn due(&self) -> Vec<Position> {
        let due = |(partition, reading): (&Partition, &Reading)| {
            let position = reading.position();
            (position > reading.committed).then(|| (partition.clone(), position))
        };
        self.partitions.iter().filter_map(due).collect()
    }

    /// Records that the group has these positions.
    pub(super) fn committed(&mut self, positions: &[Position]) {
        for (partition, offset) in positions {
            if let Some(reading) = self.partitions.get_mut(partition) {
                reading.committed = reading.committed.max(*offset);
            }
        }
    }

    /// Forgets a partition that was revoked, and its entries under way.
    pub(super) fn forget(&mut self, partition: &Partition) {
        let Some(reading) = self.partitions.remove(partition) else {
            return;
        };
        for number in reading.unsettled.keys() {
            self.under_way.remove(number);
        }
    }

    /// Ends reading. Returns the positions of the partitions of which every entry is durable.
    pub(super) fn end(&mut self) -> Vec<Position> {
        self.under_way.clear();
        let partitions = self.partitions.drain();
        let whole = partitions.filter(|(_, reading)| reading.unsettled.is_empty());
        whole
            .map(|(partition, reading)| (partition, reading.next))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition() -> Partition {
        Partition {
            topic: "orders".into(),
            number: 0,
        }
    }

    /// Returns positions that read a partition from offset 5, and the numbers of its first entries.
    fn reading(entries: i64) -> (Positions, Vec<u64>) {
        let mut positions = Positions::default();
        let begin = Begin {
            committed: 5,
            redelivered_before: 0,
        };
        positions.begin(partition(), begin);
        let add = |offset| positions.add(&partition(), offset).unwrap().0;
        let numbers = (5..5 + entries).map(add).collect();
        (positions, numbers)
    }

    #[test]
    fn an_offset_is_due_only_up_to_the_first_entry_that_is_not_durable() {
        let (mut positions, numbers) = reading(4);
        assert!(positions.settle(numbers[1]) && positions.settle(numbers[3]));
        assert_eq!(positions.due(), []);
        assert!(positions.settle(numbers[0]));
        assert_eq!(positions.due(), [(partition(), 7)]);
        positions.committed(&[(partition(), 7)]);
        assert_eq!(positions.due(), []);
        assert!(positions.settle(numbers[2]));
        assert_eq!(positions.due(), [(partition(), 9)]);
    }

    #[test]
    fn entries_of_a_revoked_partition_are_forgotten() {
        let (mut positions, numbers) = reading(2);
        positions.forget(&partition());
        let begin = Begin {
            committed: 5,
            redelivered_before: 7,
        };
        positions.begin(partition(), begin);
        let (again, redelivered) = positions.add(&partition(), 5).unwrap();
        assert!(redelivered);
        // The entry of before the revocation is not the one that was read after it.
        assert!(!positions.settle(numbers[0]));
        assert_eq!(positions.due(), []);
        assert!(positions.settle(again));
        assert_eq!(positions.due(), [(partition(), 6)]);
        assert_eq!(positions.add(&partition(), 7), Some((again + 1, false)));
    }

    #[test]
    fn a_partition_ends_in_order_only_without_entries_under_way() {
        let (mut positions, numbers) = reading(2);
        positions.settle(numbers[0]);
        assert_eq!(positions.end(), []);
        let (mut positions, numbers) = reading(1);
        positions.settle(numbers[0]);
        assert_eq!(positions.end(), [(partition(), 6)]);
        assert!(!positions.knows(&partition()));
    }
}
