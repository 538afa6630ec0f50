//! The ledger: every published event, and the responses of receivers to it.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Every event of a cell, by its number. Publishers and receivers write it, checks read it.
#[derive(Default)]
pub struct Ledger {
    books: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    next: u64,
    events: BTreeMap<u64, Entry>,
    /// The reasons for which receivers rejected requests.
    refused: Vec<String>,
    /// The ids of requests whose event was never published.
    unknown: Vec<String>,
}

/// One event.
pub struct Entry {
    /// The time of the first attempt to publish it.
    pub began: Instant,
    /// The time of the 202 of the API, or of the reply of the source.
    pub accepted: Option<Instant>,
    /// The id of its entry on the stream.
    pub entry: Option<String>,
    /// Set if the store has lost what it had confirmed, this event possibly included.
    pub forgiven: bool,
    pub deliveries: Vec<Delivery>,
}

/// A response with status 200.
pub struct Delivery {
    pub endpoint: &'static str,
    pub webhook_id: String,
    pub at: Instant,
}

impl Entry {
    /// Returns the number of successful responses of `endpoint`.
    pub fn count(&self, endpoint: &str) -> usize {
        self.deliveries_to(endpoint).count()
    }

    pub fn deliveries_to(&self, endpoint: &str) -> impl Iterator<Item = &Delivery> {
        let to = move |delivery: &&Delivery| delivery.endpoint == endpoint;
        self.deliveries.iter().filter(to)
    }

    /// Returns `true` if the sender owes its delivery.
    pub fn is_owed(&self) -> bool {
        self.accepted.is_some() && !self.forgiven
    }
}

impl Ledger {
    /// Adds an event and returns its number.
    pub fn begin(&self) -> u64 {
        let mut books = self.books();
        let number = books.next;
        books.next += 1;
        let entry = Entry {
            began: Instant::now(),
            accepted: None,
            entry: None,
            forgiven: false,
            deliveries: Vec::new(),
        };
        books.events.insert(number, entry);
        number
    }

    /// Records that the sender owes the event from now on. `entry` is its id on a stream.
    pub fn accepted(&self, number: u64, entry: Option<String>) {
        if let Some(event) = self.books().events.get_mut(&number) {
            event.accepted = Some(Instant::now());
            event.entry = entry;
        }
    }

    /// Records that `endpoint` responded with 200.
    pub fn delivered(&self, endpoint: &'static str, number: Option<u64>, webhook_id: &str) {
        let mut books = self.books();
        let at = Instant::now();
        match number.and_then(|number| books.events.get_mut(&number)) {
            Some(event) => event.deliveries.push(Delivery {
                endpoint,
                webhook_id: webhook_id.to_owned(),
                at,
            }),
            None => books.unknown.push(webhook_id.to_owned()),
        }
    }

    /// Records that a receiver refused a request.
    pub fn refused(&self, reason: String) {
        self.books().refused.push(reason);
    }

    /// Forgives the events that the store may have lost: those begun before `lost`, except those
    /// whose entries are still at their source.
    pub fn forgive(&self, lost: Instant, at_source: &HashSet<String>) {
        for event in self.books().events.values_mut() {
            let kept = event
                .entry
                .as_ref()
                .is_some_and(|id| at_source.contains(id));
            if event.began < lost && !kept {
                event.forgiven = true;
            }
        }
    }

    /// Forgives the events accepted between the two moments.
    pub fn forgive_between(&self, from: Instant, to: Instant) {
        for event in self.books().events.values_mut() {
            let accepted = event.accepted.unwrap_or(event.began);
            if accepted >= from && event.began < to {
                event.forgiven = true;
            }
        }
    }

    /// Returns the number of owed events, begun before `moment`, that `endpoint` has not had.
    pub fn outstanding(&self, endpoint: &str, moment: Instant) -> usize {
        let outstanding =
            |event: &&Entry| event.began < moment && event.is_owed() && event.count(endpoint) == 0;
        self.books().events.values().filter(outstanding).count()
    }

    /// Returns `true` if `endpoint` has had an event begun after `moment`.
    pub fn delivered_since(&self, endpoint: &str, moment: Instant) -> bool {
        let fresh = |event: &Entry| event.began > moment && event.count(endpoint) > 0;
        self.books().events.values().any(fresh)
    }

    /// Returns the number of responses of `endpoint`.
    pub fn deliveries(&self, endpoint: &str) -> usize {
        let books = self.books();
        books
            .events
            .values()
            .map(|event| event.count(endpoint))
            .sum()
    }

    /// Returns the times of all responses of `endpoint`, in order.
    pub fn moments(&self, endpoint: &str) -> Vec<Instant> {
        let books = self.books();
        let events = books.events.values();
        let mut moments: Vec<_> = events
            .flat_map(|event| event.deliveries_to(endpoint).map(|delivery| delivery.at))
            .collect();
        moments.sort_unstable();
        moments
    }

    /// Calls `visit` with every event.
    pub fn each(&self, mut visit: impl FnMut(u64, &Entry)) {
        for (number, event) in &self.books().events {
            visit(*number, event);
        }
    }

    /// Returns the reasons for which receivers rejected requests.
    pub fn refusals(&self) -> Vec<String> {
        self.books().refused.clone()
    }

    /// Returns the ids of deliveries of events that were never published.
    pub fn unknown(&self) -> Vec<String> {
        self.books().unknown.clone()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
