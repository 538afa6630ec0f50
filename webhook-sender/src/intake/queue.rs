//! One tenant's entries.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::Taken;

/// The most entries claimed at a time.
pub(super) const MAX_CLAIMED: usize = 64;

/// From so many deliveries on an entry is taken by itself: whatever else was taken with it when it
/// was not planned is not to blame.
const SUSPECT: u64 = 2;

/// An entry that waits to be given to the sink.
pub(super) struct Waiting {
    pub id: String,
    /// How often it was taken so far.
    pub deliveries: u64,
    /// Itself; else it is claimed again.
    pub read: Option<Read>,
}

/// An entry in memory.
pub(super) struct Read {
    pub taken: Taken,
    pub bytes: usize,
}

/// Entries of a tenant that are given together.
pub(super) enum Group {
    Read(Vec<Taken>),
    /// To be claimed: ids, and how often the most often taken was.
    Left(Vec<String>, u64),
}

/// How much is in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    pub entries: usize,
    pub bytes: usize,
}

/// The entries that wait, and those that are being given.
pub(super) struct Queue {
    pub waiting: VecDeque<Waiting>,
    /// What is being given, and since when.
    pub given: Vec<String>,
    pub since: Instant,
    /// What of this queue takes up room, and how much of it is being given.
    pub held: Load,
    pub held_given: Load,
    /// Whether it takes up none.
    pub aside: bool,
}

impl Queue {
    pub fn new() -> Self {
        Self {
            waiting: VecDeque::new(),
            given: Vec::new(),
            since: Instant::now(),
            held: Load::default(),
            held_given: Load::default(),
            aside: false,
        }
    }

    /// Takes entries that are in memory, at most so many of so many bytes, but for a single larger one.
    pub fn take_read(&mut self, most: usize, most_bytes: usize) -> Group {
        let mut group = Vec::new();
        while let Some(load) = self.waiting.front().and_then(Waiting::load)
            && (group.is_empty()
                || (group.len() < most && self.held_given.bytes + load.bytes <= most_bytes))
        {
            self.held_given.add(load);
            let next = self.waiting.pop_front();
            if let Some(Waiting {
                id,
                read: Some(read),
                ..
            }) = next
            {
                self.given.push(id);
                group.push(read.taken);
            }
        }
        Group::Read(group)
    }

    /// Takes entries that are to be claimed. Answers how often the most often taken was.
    pub fn take_left(&mut self, most: usize) -> (Vec<String>, u64) {
        let mut deliveries = 0;
        while let Some(next) = self.waiting.front()
            && next.read.is_none()
            && (self.given.is_empty()
                || (self.given.len() < most && deliveries.max(next.deliveries) < SUSPECT))
        {
            deliveries = deliveries.max(next.deliveries);
            self.given
                .extend(self.waiting.pop_front().map(|next| next.id));
        }
        self.held_given.entries = self.given.len();
        (self.given.clone(), deliveries)
    }

    /// Answers how many entries are no longer in memory.
    pub fn set_aside(&mut self) -> usize {
        self.aside = true;
        (self.held, self.held_given) = Default::default();
        let in_memory = |waiting: &mut Waiting| waiting.read.take();
        self.waiting.iter_mut().filter_map(in_memory).count()
    }
}

impl Waiting {
    /// One that was read just now.
    pub fn read(taken: Taken, bytes: usize) -> Self {
        let id = taken.id.clone();
        let read = Some(Read { taken, bytes });
        Self {
            read,
            ..Self::left(id, 1)
        }
    }

    /// One that is claimed when its turn comes.
    pub fn left(id: String, deliveries: u64) -> Self {
        let read = None;
        Self {
            id,
            deliveries,
            read,
        }
    }

    /// What it takes up of memory, if it is there.
    pub fn load(&self) -> Option<Load> {
        self.read.as_ref().map(|read| Load {
            entries: 1,
            bytes: read.bytes,
        })
    }
}

impl Load {
    pub fn add(&mut self, other: Self) {
        self.entries += other.entries;
        self.bytes += other.bytes;
    }

    pub fn subtract(&mut self, other: Self) {
        self.entries -= other.entries;
        self.bytes -= other.bytes;
    }
}
