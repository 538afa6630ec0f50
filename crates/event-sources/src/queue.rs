//! One tenant's entries.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::Taken;

/// From so many deliveries on an entry is taken by itself: whatever else was taken with it when it
/// was not planned is not to blame.
pub(super) const SUSPECT: u64 = 2;

/// An entry that waits to be given to the sink.
pub(super) struct Waiting {
    pub id: String,
    /// How often it was taken to be given, so far.
    pub deliveries: u64,
    /// About how much of memory it takes, where it is in memory.
    pub bytes: usize,
    /// Itself, and when it was read; else it is claimed.
    pub read: Option<(Taken, Instant)>,
}

/// Entries of a tenant that are given together.
pub(super) enum Group {
    Read(Vec<Taken>),
    /// To be claimed: ids, and how often the most often taken was.
    Left(Vec<String>, u64),
    /// The next is to be claimed, and has to wait until others that were are given.
    Full,
}

/// How much is in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    pub entries: usize,
    pub bytes: usize,
}

/// An entry that is being given.
struct Giving {
    id: String,
    bytes: usize,
}

/// The entries that wait, and those that are being given.
#[derive(Default)]
pub(super) struct Queue {
    pub waiting: VecDeque<Waiting>,
    /// What is being given, and since when the first of it is in memory.
    given: Vec<Giving>,
    given_since: Option<Instant>,
    /// What of this queue is in memory, and how much of it is being given.
    pub held: Load,
    held_given: Load,
    /// How many bytes of what is being given were claimed for it.
    pub claimed: usize,
    /// Whether it keeps nothing in memory but what is being given.
    pub aside: bool,
}

impl Queue {
    /// Takes the next entries, at most so many of so many bytes, but for a single larger one.
    pub fn take(&mut self, most: Load) -> Option<Group> {
        let mut load = Load::default();
        let mut group = Vec::new();
        let first = self.waiting.front()?;
        let (read, deliveries) = (first.read.as_ref().map(|(_, at)| *at), first.deliveries);
        while let Some(next) = self.waiting.front()
            && next.read.is_some() == read.is_some()
            && (load.entries == 0
                || (load.entries < most.entries
                    && load.bytes + next.bytes <= most.bytes
                    && next.deliveries == deliveries
                    && deliveries < SUSPECT))
            && let Some(next) = self.waiting.pop_front()
        {
            load.add(next.load());
            group.extend(next.read.map(|(taken, _)| taken));
            self.given.push(Giving {
                id: next.id,
                bytes: next.bytes,
            });
        }
        self.held_given = load;
        if read.is_none() {
            self.held.add(load);
            self.claimed = load.bytes;
        }
        // What was left is claimed now.
        self.given_since = read.or_else(|| Some(Instant::now()));
        Some(match read {
            Some(_) => Group::Read(group),
            None => {
                let ids = self.given.iter().map(|given| given.id.clone());
                Group::Left(ids.collect(), deliveries)
            }
        })
    }

    /// What was taken was given, but for these, each taken so often, which wait again before the
    /// others. Answers how much was taken.
    pub fn end(&mut self, failed: Vec<(String, u64)>) -> Load {
        for (id, deliveries) in failed.into_iter().rev() {
            let bytes = |given: &Giving| (given.id == id).then_some(given.bytes);
            let bytes = self.given.iter().find_map(bytes).unwrap_or_default();
            self.waiting
                .push_front(Waiting::left(id, deliveries, bytes));
        }
        self.given.clear();
        self.given_since = None;
        let load = std::mem::take(&mut self.held_given);
        self.held.subtract(load);
        load
    }

    /// The ids of all that waits or is being given.
    pub fn ids(&self) -> impl Iterator<Item = &String> {
        let waiting = self.waiting.iter().map(|waiting| &waiting.id);
        self.given.iter().map(|given| &given.id).chain(waiting)
    }

    /// Since when the first entry is in memory of those that are.
    pub fn in_memory_since(&self) -> Option<Instant> {
        let read = |waiting: &Waiting| waiting.read.as_ref().map(|(_, at)| *at);
        self.given_since
            .or_else(|| self.waiting.iter().find_map(read))
    }

    /// Answers how many entries are no longer in memory.
    pub fn set_aside(&mut self) -> usize {
        self.aside = true;
        self.held = self.held_given;
        let mut left = 0;
        for waiting in self.waiting.iter_mut().filter(|one| one.read.is_some()) {
            waiting.leave();
            left += 1;
        }
        left
    }
}

impl Waiting {
    /// One that was read just now.
    pub fn read(taken: Taken, bytes: usize) -> Self {
        Self {
            id: taken.id.clone(),
            deliveries: 1,
            bytes,
            read: Some((taken, Instant::now())),
        }
    }

    /// One that is claimed when its turn comes.
    pub fn left(id: String, deliveries: u64, bytes: usize) -> Self {
        Self {
            id,
            deliveries,
            bytes,
            read: None,
        }
    }

    pub fn is_left(&self) -> bool {
        self.read.is_none()
    }

    /// Leaves it in the stream. It was taken, but never to be given.
    pub fn leave(&mut self) {
        self.read = None;
        self.deliveries = 0;
    }

    /// What it takes up of memory when it is there.
    pub fn load(&self) -> Load {
        Load {
            entries: 1,
            bytes: self.bytes,
        }
    }
}

impl Load {
    pub fn add(&mut self, other: Self) {
        self.entries += other.entries;
        self.bytes += other.bytes;
    }

    /// How much of this is left where `other` of it is taken.
    pub fn less(self, other: Self) -> Self {
        Self {
            entries: self.entries.saturating_sub(other.entries),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }

    pub fn subtract(&mut self, other: Self) {
        self.entries -= other.entries;
        self.bytes -= other.bytes;
    }
}
