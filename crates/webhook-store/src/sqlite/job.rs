//! Write jobs, which run in steps and return their result after the commit.

use std::collections::{HashMap, HashSet};

use rusqlite::Connection;
use tokio::sync::oneshot;
use webhook_model::{Owner, TenantId};

use super::fault::Fault;
use super::ids;
use super::queue::{Effect, Flight, Key, Shared};
use crate::{Fence, StoreError};

pub(super) type FaultResult<T> = Result<T, Fault>;

/// The progress of a job after a step.
pub(super) enum Step<T> {
    Done(T),
    /// Further steps follow, after those of other jobs.
    More,
}

/// A job whose type of result is erased.
pub(super) trait Job: Send {
    /// Runs the next step. Returns whether it was the last.
    fn step(&mut self, tx: &mut Tx<'_>) -> FaultResult<bool>;

    /// Sends the result to the caller: the last step was committed, or failed with this error.
    fn respond(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Task<T, F> {
    work: F,
    done: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for Task<T, F>
where
    T: Send,
    F: FnMut(&mut Tx<'_>) -> FaultResult<Step<T>> + Send,
{
    fn step(&mut self, tx: &mut Tx<'_>) -> FaultResult<bool> {
        match (self.work)(tx)? {
            Step::Done(value) => self.done = Some(value),
            Step::More => {}
        }
        Ok(self.done.is_some())
    }

    fn respond(self: Box<Self>, committed: Result<(), StoreError>) {
        let result = match (committed, self.done) {
            (Err(error), _) => Err(error),
            (Ok(()), Some(value)) => Ok(value),
            // Dropping the sender makes the caller's call fail.
            (Ok(()), None) => return,
        };
        // A caller that no longer waits needs no result: the job is committed in any case.
        let _ = self.reply.send(result);
    }
}

/// Returns a job that runs `work`, and the receiver of its result.
pub(super) fn job<T: Send + 'static>(
    work: impl FnMut(&mut Tx<'_>) -> FaultResult<Step<T>> + Send + 'static,
) -> (Box<dyn Job>, oneshot::Receiver<Result<T, StoreError>>) {
    let (reply, result) = oneshot::channel();
    (
        Box::new(Task {
            work,
            done: None,
            reply,
        }),
        result,
    )
}

/// The transaction that a group of jobs shares, and their effects so far.
pub(super) struct Tx<'a> {
    pub sql: &'a Connection,
    shared: &'a Shared,
    last_key: &'a mut i64,
    effects: Vec<Effect>,
    /// Deliveries that are in flight in the shared queue, but have an outcome in this transaction.
    ended: HashSet<Key>,
    /// Changes of this transaction by sequence number: false for ended, true for claimed.
    in_flight: HashMap<i64, bool>,
    /// Deliveries in flight whose event this transaction has erased.
    erased: HashSet<Key>,
    /// Tenants for which this transaction has accepted events.
    accepted: HashSet<TenantId>,
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
            erased: HashSet::new(),
            accepted: HashSet::new(),
        }
    }

    /// Reserves `count` consecutive keys, and returns the first.
    pub fn reserve(&mut self, count: usize) -> i64 {
        let first = *self.last_key + 1;
        *self.last_key += count as i64;
        first
    }

    /// Returns the last reserved key.
    pub fn last_key(&self) -> i64 {
        *self.last_key
    }

    /// Makes a row that this transaction inserts findable by the hash of its id. If the transaction
    /// is rolled back, the entry is of no use and harmless: see [`ids`].
    pub fn add_id(&self, hash: i64, key: i64) {
        self.shared.lock().recent_ids.add((hash, key));
    }

    /// Returns the keys of rows whose ids may have this hash.
    pub fn keys(&self, hash: i64) -> FaultResult<Vec<i64>> {
        Ok(ids::keys(self.sql, self.shared, hash)?)
    }

    pub fn shared(&self) -> &'a Shared {
        self.shared
    }

    pub fn queue(&self) -> std::sync::MutexGuard<'a, super::queue::Queue> {
        self.shared.lock()
    }

    /// Adds an effect to apply after the commit.
    pub fn then(&mut self, effect: Effect) {
        match &effect {
            Effect::Ended { key, seq } => {
                self.ended.insert(key.clone());
                self.in_flight.insert(*seq, false);
            }
            Effect::Claimed { flight, .. } => drop(self.in_flight.insert(flight.seq, true)),
            Effect::Erased { key } => drop(self.erased.insert(key.clone())),
            Effect::Accepted { tenant, count: 1.. } => {
                self.accepted.insert(tenant.clone());
            }
            _ => {}
        }
        self.effects.push(effect);
    }

    /// Returns the delivery if it is in flight under this claim of `owner`.
    pub fn flight(&self, owner: &Owner, fence: Fence, key: &Key) -> Option<Flight> {
        let queue = self.shared.lock();
        let flight = queue.in_flight.get(key)?;
        let is_its_own = *flight.owner == *owner.incarnation && flight.fence == fence;
        let known = (is_its_own && !self.ended.contains(key)).then(|| flight.clone());
        known.map(|flight| self.with_erasure(key, flight))
    }

    /// Returns the deliveries in flight whose lease has ended.
    pub fn orphans(&self) -> Vec<(Key, Flight)> {
        let queue = self.shared.lock();
        let orphan = |flight: &Flight| !queue.leases.is_live(flight.lease);
        let in_flight = queue.in_flight.iter();
        in_flight
            .filter(|(key, flight)| orphan(flight) && !self.ended.contains(*key))
            .map(|(key, flight)| (key.clone(), self.with_erasure(key, flight.clone())))
            .collect()
    }

    fn with_erasure(&self, key: &Key, flight: Flight) -> Flight {
        let is_erased = flight.is_erased || self.erased.contains(key);
        Flight {
            is_erased,
            ..flight
        }
    }

    /// Returns whether a delivery will be in flight after the commit.
    pub fn is_in_flight(&self, seq: i64) -> bool {
        let here = self.in_flight.get(&seq).copied();
        here.unwrap_or_else(|| self.shared.lock().in_flight.has(seq))
    }

    /// Returns false if the tenant certainly has no accepted events, without a query: that holds for
    /// nearly every batch.
    pub fn may_have_backlog(&self, tenant: &TenantId) -> bool {
        self.accepted.contains(tenant) || self.shared.lock().backlog.has(tenant)
    }

    pub fn mark(&self) -> usize {
        self.effects.len()
    }

    /// Discards the effects since `mark`.
    pub fn back_to(&mut self, mark: usize) {
        for effect in self.effects.drain(mark..) {
            match effect {
                Effect::Ended { key, seq } => {
                    self.ended.remove(&key);
                    self.in_flight.remove(&seq);
                }
                Effect::Claimed { flight, .. } => drop(self.in_flight.remove(&flight.seq)),
                Effect::Erased { key } => drop(self.erased.remove(&key)),
                _ => {}
            }
        }
    }

    /// Applies the effects to the shared queue, after the commit.
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
