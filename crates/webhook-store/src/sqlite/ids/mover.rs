//! Moves entries from memory to the table.

use std::ops::RangeInclusive;

use rusqlite::Connection;

use super::table::{insert, set_indexed_to};
use crate::sqlite::checkpoint::Gate;
use crate::sqlite::queue::{ALL, Entry, Shared};

/// The number of changes in memory from which on a pass moves them.
const FULL: usize = 1 << 16;

/// The most entries that one transaction moves, so that other transactions do not wait for long.
const PART: usize = 2_048;

/// The number of passes in which all entries before the oldest row are deleted.
const SLICES: i64 = 32;

/// The writer's side of moving.
pub(in crate::sqlite) struct Mover {
    gate: Gate,
    pass: Option<Pass>,
    /// The slice that the next pass cleans.
    slice: i64,
    full: usize,
}

/// A pass through the entries of all keys up to `last_key`, in the order of their hashes.
#[derive(Clone, Copy)]
struct Pass {
    last_key: i64,
    /// The first entry that is not moved yet.
    next: Entry,
}

/// The changes of one transaction.
struct Part {
    added: Vec<Entry>,
    removed: Vec<Entry>,
    /// The first entry of the next part; `None` after the last one.
    next: Option<Entry>,
}

impl Mover {
    /// `gate` is held during each read.
    pub fn new(gate: Gate) -> Self {
        Self {
            gate,
            pass: None,
            slice: 0,
            full: FULL,
        }
    }

    /// Moves a part of the entries if there are many. Must be called between two transactions.
    ///
    /// # Errors
    ///
    /// If nothing could be written. The entries stay in memory, and the next call tries again.
    pub fn step(
        &mut self,
        sql: &Connection,
        shared: &Shared,
        last_key: i64,
    ) -> rusqlite::Result<()> {
        if !self.forget_moved(shared) {
            return Ok(());
        }
        let Some(pass) = self.pass(shared, last_key) else {
            return Ok(());
        };
        let part = pass.part(shared);
        let tx = sql.unchecked_transaction()?;
        insert(sql, &part.added)?;
        let mut delete = sql.prepare_cached("DELETE FROM ids WHERE hash = ?1 AND key = ?2")?;
        for entry in &part.removed {
            delete.execute(*entry)?;
        }
        if part.next.is_none() {
            clean(sql, self.slice)?;
            set_indexed_to(sql, pass.last_key)?;
        }
        tx.commit()?;
        let mut queue = shared.lock();
        queue.recent_ids.moved(&part.added, &part.removed);
        drop(queue);
        if part.next.is_none() {
            self.slice = (self.slice + 1) % SLICES;
        }
        self.pass = part.next.map(|next| Pass { next, ..pass });
        Ok(())
    }

    /// Forgets what the last call moved. Returns false if a read may not see it in the table yet.
    fn forget_moved(&self, shared: &Shared) -> bool {
        if !shared.lock().recent_ids.has_moved() {
            return true;
        }
        let no_reads = self.gate.try_lock();
        if no_reads.is_ok() {
            shared.lock().recent_ids.forget_moved();
        }
        no_reads.is_ok()
    }

    /// Returns the pass to continue, or a new one if it is time for it.
    fn pass(&self, shared: &Shared, last_key: i64) -> Option<Pass> {
        let is_full = || shared.lock().recent_ids.len() >= self.full;
        let new = || Pass {
            last_key,
            next: *ALL.start(),
        };
        self.pass.or_else(|| is_full().then(new))
    }
}

impl Pass {
    fn part(&self, shared: &Shared) -> Part {
        let queue = shared.lock();
        let recent = &queue.recent_ids;
        let added = recent.added(self.next..=*ALL.end(), self.last_key, PART);
        let last = added.last().filter(|_| added.len() == PART).copied();
        let range = self.next..=last.unwrap_or(*ALL.end());
        Part {
            removed: recent.removed(range),
            next: last.map(|(hash, key)| (hash, key + 1)),
            added,
        }
    }
}

/// Deletes entries whose rows were deleted by an earlier process, from a slice of all hashes: those
/// before the oldest row.
fn clean(sql: &Connection, slice: i64) -> rusqlite::Result<()> {
    let hashes = hashes(slice);
    sql.prepare_cached(
        "DELETE FROM ids WHERE hash BETWEEN ?1 AND ?2 AND key < (
             SELECT min(coalesce((SELECT min(key) FROM events), ?3),
                        coalesce((SELECT min(seq) FROM deliveries), ?3)))",
    )?
    .execute((hashes.start(), hashes.end(), i64::MAX))
    .map(drop)
}

/// Returns the hashes in a slice.
fn hashes(slice: i64) -> RangeInclusive<i64> {
    let width = i64::MAX / (SLICES / 2) + 1;
    // Wraps where the hashes become positive.
    let start = i64::MIN.wrapping_add(slice.wrapping_mul(width));
    start..=start + (width - 1)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::sqlite::ids::keys;
    use crate::sqlite::open::open;

    /// The number of entries that is many here.
    const MANY: usize = PART + 100;

    struct World {
        sql: Connection,
        shared: Arc<Shared>,
        mover: Mover,
        gate: Gate,
        _folder: tempfile::TempDir,
    }

    impl World {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let sql = open(&folder.path().join("sender.db")).unwrap().writer;
            let gate = Gate::default();
            let mut mover = Mover::new(gate.clone());
            mover.full = MANY;
            Self {
                sql,
                shared: Arc::default(),
                mover,
                gate,
                _folder: folder,
            }
        }

        fn add(&self, entries: impl Iterator<Item = Entry>) {
            let mut queue = self.shared.lock();
            entries.for_each(|entry| queue.recent_ids.add(entry));
        }

        fn step(&mut self) {
            let last_key = MANY as i64;
            self.mover.step(&self.sql, &self.shared, last_key).unwrap();
        }

        fn count(&self, statement: &str) -> i64 {
            self.sql.query_row(statement, [], |row| row.get(0)).unwrap()
        }

        fn in_table(&self) -> i64 {
            self.count("SELECT count(*) FROM ids")
        }

        fn indexed_to(&self) -> i64 {
            self.count("SELECT indexed_to FROM counters")
        }

        fn in_memory(&self) -> usize {
            self.shared.lock().recent_ids.len()
        }

        /// Adds a row, so that the entries of later keys are not deleted as those of old rows.
        fn oldest_row(&self, key: i64) {
            let insert =
                "INSERT INTO events (key, hash, tenant, deliveries, accepted_at, at, id, kind, data)
                VALUES (?1, 0, 1, 0, 0, 0, 'a', 'b', x'')";
            self.sql.execute(insert, [key]).unwrap();
        }
    }

    /// Entries with keys from 1 on, whose hashes are spread over all.
    fn entries() -> impl Iterator<Item = Entry> {
        let spread = |key: i64| (key.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64), key);
        (1..=MANY as i64).map(spread)
    }

    #[test]
    fn a_pass_moves_every_entry_and_then_records_how_far_it_went() {
        let mut world = World::new();
        world.oldest_row(1);
        world.add(entries().skip(1));
        world.step();
        assert_eq!(world.in_table(), 0, "there are not many yet");
        world.add(entries().take(1));
        // Has a later key than the pass.
        world.add([(i64::MIN, MANY as i64 + 1)].into_iter());
        world.step();
        assert_eq!((world.in_table(), world.indexed_to()), (PART as i64, 0));
        world.step();
        assert_eq!(world.in_table(), MANY as i64);
        assert_eq!(world.indexed_to(), MANY as i64);
        assert_eq!(world.in_memory(), 1);
        for (hash, key) in entries() {
            assert_eq!(keys(&world.sql, &world.shared, hash).unwrap(), [key]);
        }
    }

    #[test]
    fn entries_stay_in_memory_while_a_read_may_miss_them_in_the_table() {
        let mut world = World::new();
        world.oldest_row(1);
        world.add(entries());
        let gate = world.gate.clone();
        let read = gate.lock().unwrap();
        world.step();
        world.step();
        assert_eq!(world.in_table(), PART as i64, "moves no more than one part");
        let moved = world.sql.query_row("SELECT hash, key FROM ids", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        });
        let (hash, key): Entry = moved.unwrap();
        assert_eq!(world.shared.lock().recent_ids.keys(hash), [key]);
        drop(read);
        world.step();
        assert_eq!(world.in_table(), MANY as i64);
    }

    #[test]
    fn entries_of_deleted_rows_are_deleted() {
        let mut world = World::new();
        world.oldest_row(1);
        world.add(entries());
        world.step();
        world.step();
        let (hash, key) = entries().next().unwrap();
        world.shared.lock().recent_ids.remove((hash, key));
        world.add(
            entries()
                .take(MANY - 1)
                .map(|(hash, key)| (hash, key + MANY as i64)),
        );
        world.step();
        assert_eq!(
            keys(&world.sql, &world.shared, hash).unwrap(),
            [key + MANY as i64]
        );
        while world.mover.pass.is_some() {
            world.step();
        }
        let left = "SELECT count(*) FROM ids WHERE key = 1";
        assert_eq!(world.count(left), 0);
    }

    #[test]
    fn entries_before_the_oldest_row_are_deleted_in_some_passes() {
        let world = World::new();
        world.oldest_row(MANY as i64);
        insert(&world.sql, &entries().collect::<Vec<_>>()).unwrap();
        for slice in 0..SLICES {
            clean(&world.sql, slice).unwrap();
        }
        assert_eq!(world.in_table(), 1);
    }

    #[test]
    fn the_slices_have_every_hash_once() {
        let mut next = Some(i64::MIN);
        for slice in 0..SLICES {
            let hashes = hashes(slice);
            assert_eq!(Some(*hashes.start()), next);
            next = hashes.end().checked_add(1);
        }
        assert_eq!(next, None);
    }
}
