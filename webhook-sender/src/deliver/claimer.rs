//! Takes due deliveries out of the store, as many as there are places for.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use webhook_store::{Ask, Claim, StoreError};

use super::context::Context;
use super::lane::{Asker, Places};
use super::places::Key;
use super::{Settings, attempt};
use crate::registry::Ready;

/// The most deliveries claimed in one call: their first one starts when the call has ended.
const MAX_CLAIM: usize = 512;

/// Of one endpoint so many at least, where there is room: the call costs the same.
const MIN_SHARE: usize = 16;

/// So many endpoints in a row that have no room end the search for more, where something was found:
/// the others come first in the next round.
const MAX_IN_VAIN: usize = 64;

/// The longest sleep. Nothing has to happen then; it bounds what a clock that was set, or a wake that
/// another process forgot, can delay.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// How long to wait for an endpoint that the registry does not know yet.
const UNKNOWN: Duration = Duration::from_secs(1);

/// How long to wait for a lease that does not outlast an attempt.
const UNCOVERED: Duration = Duration::from_millis(100);

/// How long to wait after the store has failed; doubled with each failure up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

struct Claimer {
    context: Arc<Context>,
    /// Endpoints with something due. They are asked for in turns, the longest due first.
    waiting: VecDeque<Key>,
    /// How long the next failure of the store is waited out.
    pause: Duration,
    /// When the store was asked last.
    looked: Instant,
}

/// Claims and starts what is due, until `stop`.
pub(super) async fn run(context: Arc<Context>, stop: CancellationToken) {
    let mut claimer = Claimer {
        context,
        waiting: VecDeque::new(),
        pause: FIRST_PAUSE,
        looked: Instant::now(),
    };
    while !stop.is_cancelled() {
        let rest = match claimer.round().await {
            Ok(rest) => {
                claimer.pause = FIRST_PAUSE;
                rest
            }
            Err(error) => Some(claimer.failed(&error)),
        };
        if let Some(until) = rest {
            stop.run_until_cancelled(claimer.rest(until)).await;
        }
    }
}

impl Claimer {
    /// Claims and starts what there is room for. If that is nothing: until when there will be none.
    async fn round(&mut self) -> Result<Option<Instant>, StoreError> {
        let context = self.context.clone();
        // Whatever nobody was told of is found in the end.
        let long_ago = self.looked.elapsed() >= LONGEST_SLEEP;
        if context.places.wakes.take_stale(context.clock.now()) || long_ago {
            self.look().await?;
        }
        let (asks, until) = self.asks().await;
        if asks.is_empty() {
            return Ok(Some(until));
        }
        let owner = context.lease.owner();
        let claimed = context
            .store
            .claim(&owner, &asks, context.clock.now())
            .await;
        self.settle(asks, claimed.as_deref().unwrap_or_default());
        for claim in claimed? {
            attempt::start(&context, claim, &owner);
        }
        Ok(None)
    }

    /// Asks the store what is due.
    async fn look(&mut self) -> Result<(), StoreError> {
        self.looked = Instant::now();
        let (mut due, next) = self.context.store.due(self.context.clock.now()).await?;
        due.sort_by_key(|due| due.at);
        for key in self.waiting.drain(..) {
            self.context.places.is_served(&key);
        }
        self.waiting
            .extend(due.into_iter().map(|due| (due.tenant, due.endpoint)));
        if let Some(next) = next {
            self.context.places.wakes.due_at(next);
        }
        Ok(())
    }

    /// Sets places aside for what is due. Also: when there may be more of them without an attempt
    /// coming to its end.
    async fn asks(&mut self) -> (Vec<Ask>, Instant) {
        let now = Instant::now();
        let settings = self.context.places.settings();
        let share = (MAX_CLAIM / self.waiting.len().max(1)).max(MIN_SHARE);
        let (mut asks, mut left, mut until) = (vec![], MAX_CLAIM, now + LONGEST_SLEEP);
        if !self.waiting.is_empty() && self.context.places.is_crowded() {
            return (asks, until);
        }
        let mut in_vain = 0;
        for _ in 0..self.waiting.len() {
            if left == 0 || (in_vain >= MAX_IN_VAIN && !asks.is_empty()) {
                break;
            }
            let Some(key) = self.waiting.pop_front() else {
                break;
            };
            let places = match self.endpoint(&key).await {
                Some(ready) => self.places(&ready, share.min(left), &settings, now),
                None => Places::From(now + UNKNOWN),
            };
            match places {
                Places::Some(room) => {
                    left -= room;
                    in_vain = 0;
                    let (tenant, endpoint) = key;
                    asks.push(Ask {
                        tenant,
                        endpoint,
                        room,
                    });
                    continue;
                }
                Places::From(moment) => until = until.min(moment),
                Places::Full | Places::Crowded | Places::Closed => {}
            }
            in_vain += 1;
            self.waiting.push_back(key);
        }
        (asks, until)
    }

    /// The endpoint, if it is known, or as soon as its tenant is.
    async fn endpoint(&self, key: &Key) -> Option<Arc<Ready>> {
        let registry = &self.context.registry;
        if let Some(ready) = registry.endpoint(&key.0, &key.1) {
            return Some(ready);
        }
        if let Err(error) = registry.tenant(&key.0).await {
            let tenant = &key.0;
            self.context
                .observe(|| tracing::warn!(%tenant, %error, "cannot load the tenant's endpoints"));
        }
        registry.endpoint(&key.0, &key.1)
    }

    fn places(&self, ready: &Arc<Ready>, most: usize, settings: &Settings, now: Instant) -> Places {
        let timeout = settings.timeout_of(&ready.endpoint);
        let lease = &self.context.lease;
        match lease.covers(&lease.owner(), timeout) {
            true => self.context.places.take(ready, most, Asker::Claimer),
            false => Places::From(now + UNCOVERED),
        }
    }

    /// Gives back places that were asked for in vain. An endpoint of which something was claimed is
    /// asked for again: there may be more.
    fn settle(&mut self, asks: Vec<Ask>, claims: &[Claim]) {
        let mut counts = HashMap::<_, usize>::new();
        for claim in claims {
            *counts.entry((&claim.tenant, &claim.endpoint)).or_default() += 1;
        }
        for Ask {
            tenant,
            endpoint,
            room,
        } in asks
        {
            let count = counts
                .get(&(&tenant, &endpoint))
                .copied()
                .unwrap_or_default();
            let key = (tenant, endpoint);
            self.context
                .places
                .give_back(&key, room.saturating_sub(count));
            match count {
                0 => self.context.places.is_served(&key),
                _ => self.waiting.push_back(key),
            }
        }
    }

    /// Until when to leave a store alone that has failed.
    fn failed(&mut self, error: &StoreError) -> Instant {
        self.context
            .observe(|| tracing::warn!(%error, "cannot claim what is due"));
        self.context.places.wakes.ask();
        let until = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        until
    }

    /// Sleeps until something may have changed.
    async fn rest(&self, until: Instant) {
        let context = &self.context;
        let due_in = context.places.wakes.soonest().since(context.clock.now());
        let due = Instant::now() + due_in.min(LONGEST_SLEEP);
        tokio::select! {
            () = context.places.wakes.any() => {}
            () = context.store.woken() => context.places.wakes.ask(),
            () = sleep_until(until.min(due)) => {}
        }
    }
}
