//! What was taken from the stream and is not durable yet: a queue for each tenant.
//!
//! One task at a time gives a tenant's entries to the sink, so that they keep their order and wait
//! for nobody else's.
//!
//! Entries that were read wait in memory, as many as there is room for. Where a tenant's entries
//! take long and the room is used up, that tenant is set aside: its queue keeps ids alone, which take
//! up no room, and its entries are claimed from the stream again when their turn comes. So are the
//! entries that an earlier reader left. What those who are set aside have claimed is bounded as what
//! is read, by a room of its own.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use webhook_model::TenantId;

use super::queue::{Group, Load, Queue, Waiting};

/// The most ids that queues keep without their entries. At so many nothing more is read.
const MAX_LEFT: usize = 65_536;

/// Entries up to this size are claimed without waiting for others to be given: a tenant whose entries
/// take long holds up no tenant with small ones.
const SMALL: usize = 64 << 10;

/// Whose entries a queue has. Those that name no tenant have one together.
pub(super) type Key = Option<TenantId>;

/// The queues of all tenants that have entries waiting or being given.
pub(super) struct Queues {
    /// The most that is read or claimed, that those who are set aside have claimed, and that is given
    /// in one call; but for one entry of each tenant.
    most: Load,
    state: Mutex<State>,
    changed: Notify,
    /// Told when something that was claimed is given.
    freed: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    queues: HashMap<Key, Queue>,
    held: Held,
    /// How many wait without being in memory.
    left: usize,
    /// How many bytes were claimed and are being given.
    claimed: usize,
    closed: bool,
}

/// What is in memory.
#[derive(Default)]
struct Held {
    /// Of the queues that are set aside: what they claimed.
    aside: Load,
    /// Of the others: it takes up room.
    others: Load,
}

impl Held {
    fn of(&mut self, queue: &Queue) -> &mut Load {
        match queue.aside {
            true => &mut self.aside,
            false => &mut self.others,
        }
    }
}

impl Queues {
    pub(super) fn new(most: Load) -> Self {
        Self {
            most,
            state: Mutex::default(),
            changed: Notify::new(),
            freed: watch::Sender::default(),
        }
    }

    /// Is told when something that was claimed is given, from now on.
    pub(super) fn freed(&self) -> watch::Receiver<()> {
        self.freed.subscribe()
    }

    /// Puts entries behind their tenants' others. Answers the tenants that have no task yet.
    pub(super) fn push(&self, entries: impl IntoIterator<Item = (Key, Waiting)>) -> Vec<Key> {
        let mut state = self.lock();
        let state = &mut *state;
        let mut new = Vec::new();
        for (key, mut waiting) in entries {
            let queue = match state.queues.entry(key) {
                Entry::Occupied(queue) => queue.into_mut(),
                Entry::Vacant(none) => {
                    new.push(none.key().clone());
                    none.insert(Queue::default())
                }
            };
            if queue.aside && waiting.read.is_some() {
                waiting.leave();
            }
            match waiting.read {
                Some(_) => {
                    queue.held.add(waiting.load());
                    state.held.others.add(waiting.load());
                }
                None => state.left += 1,
            }
            queue.waiting.push_back(waiting);
        }
        new
    }

    /// The next entries of a tenant, at most `most`; `None`, and the queue gone, where none waits.
    pub(super) fn next(&self, key: &Key, most: usize) -> Option<Group> {
        let mut state = self.lock();
        let state = &mut *state;
        let queue = state.queues.get_mut(key)?;
        let first = queue.waiting.front();
        let is_left = first.is_some_and(Waiting::is_left);
        let bytes = first.map_or(0, |first| first.bytes);
        if is_left && bytes > SMALL && state.claimed > 0 && state.claimed + bytes > self.most.bytes
        {
            return Some(Group::Full);
        }
        let held = state.held.of(queue);
        let bound = match is_left {
            true => self.most.less(*held),
            false => self.most,
        };
        let before = queue.held;
        let group = queue.take(Load {
            entries: bound.entries.min(most),
            ..bound
        });
        held.add(queue.held.less(before));
        match &group {
            Some(Group::Read(_) | Group::Full) => {}
            Some(Group::Left(ids, _)) => {
                state.claimed += queue.claimed;
                state.left -= ids.len();
                self.changed.notify_one();
            }
            None => {
                state.queues.remove(key);
                self.changed.notify_one();
            }
        }
        group
    }

    /// Whether the next entries of a tenant are to be claimed.
    pub(super) fn is_left(&self, key: &Key) -> bool {
        let state = self.lock();
        let first = state
            .queues
            .get(key)
            .and_then(|queue| queue.waiting.front());
        first.is_some_and(Waiting::is_left)
    }

    /// A tenant's entries were given: they are durable, but for these, each taken so often, which wait
    /// to be given again before the others. False where they do not, as nothing is taken again: what
    /// is behind them has to be left as well then.
    pub(super) fn given(&self, key: &Key, failed: Vec<(String, u64)>) -> bool {
        let mut state = self.lock();
        let state = &mut *state;
        let goes_on = failed.is_empty() || !state.closed;
        if let Some(queue) = state.queues.get_mut(key) {
            let failed = if goes_on { failed } else { Vec::new() };
            state.left += failed.len();
            let ended = queue.end(failed);
            state.claimed -= std::mem::take(&mut queue.claimed);
            state.held.of(queue).subtract(ended);
        }
        self.changed.notify_one();
        self.freed.send_replace(());
        goes_on
    }

    /// How much may be read, where there are `places` for what it becomes.
    pub(super) fn room(&self, places: usize) -> Load {
        let state = self.lock();
        if state.left >= MAX_LEFT {
            return Load::default();
        }
        let most = Load {
            entries: places.min(self.most.entries),
            bytes: self.most.bytes,
        };
        most.less(state.held.others)
    }

    /// Whether nothing waits and nothing is being given.
    pub(super) fn are_empty(&self) -> bool {
        self.lock().queues.is_empty()
    }

    /// Waits until something was given, at most `at_most`. There is one who waits, the reader.
    pub(super) async fn change(&self, at_most: Duration) {
        let _changed = timeout(at_most, self.changed.notified()).await;
    }

    /// Whether no more ids may be kept.
    pub(super) fn are_many_left(&self) -> bool {
        self.lock().left >= MAX_LEFT
    }

    /// Sets the tenants aside whose entries wait in memory for `long` already.
    pub(super) fn set_slow_aside(&self, long: Duration) {
        let mut state = self.lock();
        let State {
            queues, held, left, ..
        } = &mut *state;
        let slow = |queue: &&mut Queue| {
            let since = queue.in_memory_since();
            !queue.aside && since.is_some_and(|since| since.elapsed() >= long)
        };
        for queue in queues.values_mut().filter(slow) {
            held.others.subtract(queue.held);
            *left += queue.set_aside();
            held.aside.add(queue.held);
        }
    }

    /// The ids of all that waits or is being given.
    pub(super) fn ids(&self) -> HashSet<String> {
        let state = self.lock();
        let ids = state.queues.values().flat_map(Queue::ids);
        ids.cloned().collect()
    }

    /// Takes nothing again; with `all` nothing is given any more either.
    pub(super) fn close(&self, all: bool) {
        let mut state = self.lock();
        state.closed = true;
        for queue in state.queues.values_mut().filter(|_| all) {
            queue.waiting.clear();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use webhook_model::{Millis, Rejected, Source};

    use super::*;
    use crate::Taken;

    const MOST: Load = Load {
        entries: 8,
        bytes: 800,
    };

    fn key(tenant: &str) -> Key {
        Some(TenantId::parse(tenant).unwrap())
    }

    fn read(id: &str) -> Waiting {
        let content = Rejected {
            id: id.to_owned(),
            tenant: None,
            source: Source::Stream,
            at: Millis(0),
            code: "bad-data".into(),
            reason: String::new(),
            fields: Vec::new(),
        };
        let taken = Taken {
            id: id.to_owned(),
            derived: id.to_owned(),
            tenant: None,
            content: Err(content),
        };
        Waiting::read(taken, 100)
    }

    fn left(id: &str, deliveries: u64) -> Waiting {
        Waiting::left(id.to_owned(), deliveries, 100)
    }

    fn ids(group: Option<Group>) -> Vec<String> {
        match group {
            Some(Group::Read(taken)) => taken.into_iter().map(|taken| taken.id).collect(),
            Some(Group::Left(ids, _)) => ids,
            Some(Group::Full) | None => Vec::new(),
        }
    }

    fn room(queues: &Queues) -> usize {
        queues.room(100).entries
    }

    fn given(queues: &Queues, key: &Key) {
        assert!(queues.given(key, Vec::new()));
    }

    #[test]
    fn each_tenant_has_its_own_queue_in_its_own_order() {
        let queues = Queues::new(MOST);
        let (one, other) = (key("one"), key("other"));
        let entries = [(&one, "1"), (&other, "2"), (&one, "3")];
        let new = queues.push(entries.map(|(key, id)| (key.clone(), read(id))));
        assert_eq!(new, [one.clone(), other.clone()]);
        assert_eq!(queues.push([(one.clone(), read("4"))]), []);
        assert_eq!(ids(queues.next(&one, 2)), ["1", "3"]);
        assert_eq!(ids(queues.next(&other, 2)), ["2"]);
        given(&queues, &one);
        assert_eq!(ids(queues.next(&one, 2)), ["4"]);
        given(&queues, &one);
        assert!(queues.next(&one, 2).is_none());
        assert_eq!(queues.push([(one.clone(), read("5"))]), [one]);
    }

    #[test]
    fn room_is_taken_up_until_entries_were_given() {
        let queues = Queues::new(MOST);
        let key = key("a");
        queues.push(["1", "2", "3"].map(|id| (key.clone(), read(id))));
        assert_eq!((room(&queues), queues.room(4).entries), (5, 1));
        ids(queues.next(&key, 2));
        assert_eq!(room(&queues), 5);
        given(&queues, &key);
        assert_eq!((room(&queues), queues.room(100).bytes), (7, 700));
        queues.push((4..11).map(|id| (key.clone(), read(&id.to_string()))));
        assert_eq!(queues.room(100), Load::default());
    }

    #[test]
    fn a_call_has_no_more_bytes_than_are_kept() {
        for entry in [read, |id: &str| left(id, 1)] {
            let queues = Queues::new(Load { bytes: 250, ..MOST });
            queues.push(["1", "2", "3"].map(|id| (key("a"), entry(id))));
            assert_eq!(ids(queues.next(&key("a"), 8)), ["1", "2"]);
        }
    }

    #[test]
    fn a_tenant_set_aside_takes_up_no_room_and_keeps_its_order() {
        let queues = Queues::new(MOST);
        let key = key("slow");
        queues.push(["1", "2", "3"].map(|id| (key.clone(), read(id))));
        assert_eq!(ids(queues.next(&key, 1)), ["1"]);
        queues.set_slow_aside(Duration::from_secs(3600));
        assert_eq!(room(&queues), 5, "it is not slow yet");
        queues.set_slow_aside(Duration::ZERO);
        assert_eq!(room(&queues), 8);
        queues.push([(key.clone(), read("4"))]);
        assert_eq!(room(&queues), 8);
        assert_eq!(queues.ids().len(), 4);
        assert!(queues.given(&key, vec![("1".into(), 1)]));
        assert_eq!(ids(queues.next(&key, 8)), ["1"]);
        given(&queues, &key);
        match queues.next(&key, 8) {
            Some(Group::Left(ids, deliveries)) => {
                assert_eq!((ids.len(), deliveries), (3, 0));
                assert_eq!(ids, ["2", "3", "4"]);
            }
            _ => panic!("they were left in the stream, and never given"),
        }
        given(&queues, &key);
        assert!(queues.next(&key, 8).is_none());
        assert_eq!((room(&queues), queues.lock().left), (8, 0));
    }

    #[test]
    fn a_tenant_is_set_aside_for_what_was_claimed_and_for_what_is_not_given_yet() {
        for (entry, given) in [(left("1", 1), true), (read("1"), false)] {
            let queues = Queues::new(MOST);
            queues.push([(key("slow"), entry)]);
            if given {
                ids(queues.next(&key("slow"), 8));
            }
            assert_eq!(room(&queues), 7);
            queues.set_slow_aside(Duration::ZERO);
            assert_eq!(room(&queues), 8);
        }
    }

    #[test]
    fn what_those_set_aside_claim_is_bounded_together() {
        let queues = Queues::new(MOST);
        for tenant in ["a", "b", "c"] {
            queues.push([(key(tenant), read("1"))]);
            queues.set_slow_aside(Duration::ZERO);
            queues.push((2..=5).map(|id| (key(tenant), read(&id.to_string()))));
        }
        assert_eq!(ids(queues.next(&key("a"), 8)).len(), 5);
        assert_eq!(ids(queues.next(&key("b"), 8)).len(), 3);
        assert_eq!(ids(queues.next(&key("c"), 8)).len(), 1, "nobody waits");
        given(&queues, &key("a"));
        given(&queues, &key("c"));
        assert_eq!(ids(queues.next(&key("c"), 8)).len(), 4);
        assert_eq!(room(&queues), 8);
    }

    #[test]
    fn large_entries_are_claimed_one_after_the_other_whoevers_they_are() {
        let queues = Queues::new(Load {
            bytes: 2 * SMALL,
            ..MOST
        });
        let large = |id: &str| Waiting::left(id.to_owned(), 1, 2 * SMALL);
        for tenant in ["a", "b"] {
            queues.push([(key(tenant), large("1")), (key(tenant), large("2"))]);
        }
        queues.push([(key("small"), left("1", 1))]);
        assert_eq!(ids(queues.next(&key("a"), 8)), ["1"]);
        assert!(matches!(queues.next(&key("b"), 8), Some(Group::Full)));
        assert_eq!(ids(queues.next(&key("small"), 8)), ["1"]);
        given(&queues, &key("small"));
        let freed = queues.freed();
        given(&queues, &key("a"));
        assert!(freed.has_changed().unwrap());
        assert_eq!(ids(queues.next(&key("b"), 8)), ["1"]);
        assert!(matches!(queues.next(&key("a"), 8), Some(Group::Full)));
    }

    #[test]
    fn those_taken_equally_often_are_given_together_and_a_suspect_by_itself() {
        let queues = Queues::new(MOST);
        let key = key("a");
        let taken = [0, 0, 1, 1, 2, 2];
        let entries = ["1", "2", "3", "4", "5", "6"].into_iter().zip(taken);
        queues.push(entries.map(|(id, taken)| (key.clone(), left(id, taken))));
        for expected in [&["1", "2"][..], &["3", "4"], &["5"], &["6"]] {
            assert_eq!(ids(queues.next(&key, 8)), expected);
            given(&queues, &key);
        }
    }

    #[test]
    fn a_closed_queue_gives_what_was_read_or_nothing() {
        for all in [false, true] {
            let queues = Queues::new(MOST);
            let key = key("a");
            queues.push(["1", "2"].map(|id| (key.clone(), read(id))));
            ids(queues.next(&key, 1));
            queues.close(all);
            assert!(!queues.given(&key, vec![("1".into(), 1)]), "it is left");
            let expected: &[&str] = if all { &[] } else { &["2"] };
            assert_eq!(ids(queues.next(&key, 8)), expected);
        }
    }
}
