//! One endpoint's share: its places, its rate, its breaker.

use std::sync::Arc;

use tokio::time::Instant;

use super::Settings;
use super::breaker::{Breaker, Room};
use super::bucket::Bucket;
use super::failing::Failing;
use super::prepared::Prepared;
use crate::registry::Ready;

/// An endpoint as the places keep it, from its first delivery on.
pub(super) struct Lane {
    pub prepared: Arc<Prepared>,
    /// Attempts under way, and places set aside for them.
    pub in_flight: usize,
    pub breaker: Breaker,
    pub failing: Failing,
    /// Whether the claimer knows that more is due than there was room for.
    pub waiting: bool,
    /// The version at which the receiver was found to be gone, or to fail for too long.
    pub closed: Option<u64>,
    bucket: Option<Bucket>,
}

/// Who asks for places.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    /// The claimer, for what is due.
    Claimer,
    /// The planner, for what is new.
    Planner,
}

/// What there is for those who ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Places {
    Some(usize),
    /// None until an attempt of this endpoint ends.
    Full,
    /// None until an attempt of any endpoint ends.
    Crowded,
    /// None before that moment.
    From(Instant),
    /// None until the endpoint is changed.
    Closed,
}

impl Lane {
    pub(super) fn new(ready: Arc<Ready>, now: Instant) -> Self {
        let bucket = ready.endpoint.rate_limit.map(|rate| Bucket::new(rate, now));
        Self {
            prepared: Arc::new(Prepared::new(ready)),
            in_flight: 0,
            breaker: Breaker::new(),
            failing: Failing::default(),
            waiting: false,
            closed: None,
            bucket,
        }
    }

    /// Goes over to another version of the endpoint. Answers whether that closes a breaker.
    pub(super) fn update(&mut self, ready: &Arc<Ready>, now: Instant) -> bool {
        let before = &self.prepared.ready;
        if Arc::ptr_eq(before, ready) {
            return false;
        }
        let mut closes = false;
        if before.url != ready.url {
            // What was seen was seen of another receiver.
            closes = self.breaker.is_open();
            self.breaker = Breaker::new();
            self.failing = Failing::default();
        }
        let rate = ready.endpoint.rate_limit;
        if self.bucket.as_ref().map(Bucket::rate) != rate {
            self.bucket = rate.map(|rate| Bucket::new(rate, now));
        }
        self.prepared = Arc::new(Prepared::new(ready.clone()));
        closes
    }

    /// How many attempts may start now, with `free` places left of all.
    ///
    /// An endpoint takes no more places than it leaves free: one that hangs can hold half of all,
    /// two a third each, and there is always one for whoever has none.
    pub(super) fn room(
        &self,
        settings: &Settings,
        free: usize,
        asker: Asker,
        now: Instant,
    ) -> Places {
        let endpoint = &self.prepared.ready.endpoint;
        if !endpoint.enabled || self.closed == Some(endpoint.version) {
            return Places::Closed;
        }
        let breaker = match self.breaker.room(self.in_flight, now) {
            Room::From(moment) => return Places::From(moment),
            Room::UpTo(0) => return Places::Full,
            Room::UpTo(room) => room,
            Room::Any => usize::MAX,
        };
        let own = self
            .own_bound(settings, asker)
            .saturating_sub(self.in_flight);
        if own == 0 {
            return Places::Full;
        }
        let fair = match self.in_flight {
            0 => (free / 2).max(free.min(1)),
            held => free.saturating_sub(held) / 2,
        };
        if fair == 0 {
            return Places::Crowded;
        }
        match self
            .bucket
            .as_ref()
            .map_or(Ok(usize::MAX), |bucket| bucket.room(now))
        {
            Ok(rate) => Places::Some(own.min(breaker).min(fair).min(rate)),
            Err(moment) => Places::From(moment),
        }
    }

    /// While deliveries wait in the store, new ones get half of the places only, or those that wait
    /// would do so for as long as new ones come.
    fn own_bound(&self, settings: &Settings, asker: Asker) -> usize {
        let bound = self.bound(settings);
        match asker {
            Asker::Planner if self.waiting => bound / 2,
            Asker::Planner | Asker::Claimer => bound,
        }
    }

    fn bound(&self, settings: &Settings) -> usize {
        let own = self.prepared.ready.endpoint.max_in_flight;
        own.map_or(settings.per_endpoint, |own| {
            usize::try_from(own).unwrap_or(usize::MAX)
        })
        .max(1)
    }

    /// Whether so much is free that claiming more is worth a call of the store at once.
    pub(super) fn has_much_room(&self, settings: &Settings) -> bool {
        self.in_flight * 4 < self.bound(settings) * 3
    }

    pub(super) fn take(&mut self, attempts: usize, now: Instant) {
        self.in_flight += attempts;
        self.breaker.admitted();
        if let Some(bucket) = &mut self.bucket {
            bucket.take(attempts, now);
        }
    }

    pub(super) fn give_back(&mut self, attempts: usize, now: Instant) {
        self.in_flight = self.in_flight.saturating_sub(attempts);
        self.breaker.unused(now);
        if let Some(bucket) = &mut self.bucket {
            bucket.give_back(attempts);
        }
    }
}
