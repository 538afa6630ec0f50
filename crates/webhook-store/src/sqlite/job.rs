//! A piece of writing: what is run, in steps, and who is answered once it is committed.

use std::collections::{HashMap, HashSet};

use rusqlite::Connection;
use tokio::sync::oneshot;
use webhook_model::Owner;

use super::fault::Fault;
use super::queue::{Effect, Flight, Key, Shared};
use crate::{Fence, StoreError};

pub(super) type Outcome<T> = Result<T, Fault>;

/// How far a job came.
pub(super) enum Step<T> {
    Done(T),
    /// There is more to do, when others have had their turn.
    More,
}

/// A job whose answer's type is nobody's business but its own.
pub(super) trait Job: Send {
    /// Does the next step. Answers whether it was the last.
    fn step(&mut self, tx: &mut Tx<'_>) -> Outcome<bool>;

    /// Answers the caller: the last step was committed, or this is why not.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Task<T, F> {
    work: F,
    done: Option<T>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for Task<T, F>
where
    T: Send,
    F: FnMut(&mut Tx<'_>) -> Outcome<Step<T>> + Send,
{
    fn step(&mut self, tx: &mut Tx<'_>) -> Outcome<bool> {
        match (self.work)(tx)? {
            Step::Done(value) => self.done = Some(value),
            Step::More => {}
        }
        Ok(self.done.is_some())
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let answer = match (committed, self.done) {
            (Err(error), _) => Err(error),
            (Ok(()), Some(value)) => Ok(value),
            // Dropping the sender tells the caller that the store is gone.
            (Ok(()), None) => return,
        };
        // A caller that no longer waits has lost nothing but the answer.
        let _ = self.answer.send(answer);
    }
}

/// A job of `work`, and where its answer comes.
pub(super) fn job<T: Send + 'static>(
    work: impl FnMut(&mut Tx<'_>) -> Outcome<Step<T>> + Send + 'static,
) -> (Box<dyn Job>, oneshot::Receiver<Result<T, StoreError>>) {
    let (answer, answered) = oneshot::channel();
    (
        Box::new(Task {
            work,
            done: None,
            answer,
        }),
        answered,
    )
}

/// The transaction that a group of jobs shares, and what they have done in it so far.
pub(super) struct Tx<'a> {
    pub sql: &'a Connection,
    shared: &'a Shared,
    last_key: &'a mut i64,
    effects: Vec<Effect>,
    /// In flight for everybody else, but an outcome is written already.
    ended: HashSet<Key>,
    /// What that makes of the numbers in flight: false for those settled, true for those claimed.
    in_flight: HashMap<i64, bool>,
}

impl<'a> Tx<'a> {
    pub fn new(sql: &'a Connection, shared: &'a Shared, last_key: &'a mut i64) -> Self {
        Self {
            sql,
            shared,
            last_key,
            effects: Vec::new(),
            ended: HashSet::new(),
            in_flight: HashMap::new(),
        }
    }

    /// The first of `count` numbers in a row that nothing else will have.
    pub fn reserve(&mut self, count: usize) -> i64 {
        let first = *self.last_key + 1;
        *self.last_key += count as i64;
        first
    }

    /// The last number given out.
    pub fn last_key(&self) -> i64 {
        *self.last_key
    }

    pub fn queue(&self) -> std::sync::MutexGuard<'a, super::queue::Queue> {
        self.shared.lock()
    }

    /// Has `effect` once this is committed.
    pub fn then(&mut self, effect: Effect) {
        match &effect {
            Effect::Ended { key, seq } => {
                self.ended.insert(key.clone());
                self.in_flight.insert(*seq, false);
            }
            Effect::Claimed { flight, .. } => drop(self.in_flight.insert(flight.seq, true)),
            _ => {}
        }
        self.effects.push(effect);
    }

    /// A delivery that is in flight under that claim of `owner`.
    pub fn flight(&self, owner: &Owner, fence: Fence, key: &Key) -> Option<Flight> {
        let queue = self.shared.lock();
        let flight = queue.in_flight.get(key)?;
        let is_its_own = *flight.owner == *owner.incarnation && flight.fence == fence;
        (is_its_own && !self.ended.contains(key)).then(|| flight.clone())
    }

    /// What is in flight under no lease.
    pub fn orphans(&self) -> Vec<(Key, Flight)> {
        let queue = self.shared.lock();
        let orphan = |flight: &Flight| !queue.leases.is_live(flight.lease);
        let in_flight = queue.in_flight.iter();
        in_flight
            .filter(|(key, flight)| orphan(flight) && !self.ended.contains(*key))
            .map(|(key, flight)| (key.clone(), flight.clone()))
            .collect()
    }

    /// Whether a delivery will be in flight once this is committed.
    pub fn is_in_flight(&self, seq: i64) -> bool {
        let here = self.in_flight.get(&seq).copied();
        here.unwrap_or_else(|| self.shared.lock().in_flight.has(seq))
    }

    pub fn mark(&self) -> usize {
        self.effects.len()
    }

    /// Takes back what was done since `mark`.
    pub fn back_to(&mut self, mark: usize) {
        for effect in self.effects.drain(mark..) {
            match effect {
                Effect::Ended { key, seq } => {
                    self.ended.remove(&key);
                    self.in_flight.remove(&seq);
                }
                Effect::Claimed { flight, .. } => drop(self.in_flight.remove(&flight.seq)),
                _ => {}
            }
        }
    }

    /// It is committed: everybody may see it.
    pub fn committed(self) {
        let claims_returned = |effect: &Effect| matches!(effect, Effect::ClaimsReturned);
        let wakes = self.effects.iter().any(claims_returned);
        let mut queue = self.shared.lock();
        for effect in self.effects {
            queue.apply(effect);
        }
        drop(queue);
        if wakes {
            self.shared.claims_returned.notify_one();
        }
    }
}
