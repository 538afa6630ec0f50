//! The places of all endpoints: who has how many, and who may have more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use webhook_model::{EndpointId, Millis, TenantId};

use super::Settings;
use super::breaker::Change;
use super::failing::Notice;
use super::lane::{Asker, Lane, Places as Room};
use super::outcome::Health;
use super::prepared::Prepared;
use super::wakes::Wakes;
use crate::metrics::Metrics;
use crate::registry::Ready;

pub(super) type Key = (TenantId, EndpointId);

pub(super) struct Places {
    inner: Mutex<Inner>,
    /// Told of open breakers that go with what they were of; attempts tell of the others.
    metrics: Arc<Metrics>,
    /// Told when a place comes free of all.
    freed: Notify,
    pub wakes: Wakes,
}

struct Inner {
    settings: Arc<Settings>,
    lanes: HashMap<Key, Lane>,
    /// Places set aside, attempts under way, and outcomes not yet recorded.
    taken: usize,
    /// Whether the claimer was turned away for want of places of all.
    crowded: bool,
    stopped: bool,
}

/// What an attempt has shown of its endpoint.
pub(super) struct Shown {
    /// The version of the endpoint that was called.
    pub version: u64,
    pub health: Health,
    /// Whether the attempt succeeded; `None` if it does not count.
    pub succeeded: Option<bool>,
    pub gone: Option<String>,
    pub at: Millis,
    pub random: f64,
}

impl Places {
    pub(super) fn new(settings: Settings, metrics: Arc<Metrics>) -> Self {
        let inner = Inner {
            settings: Arc::new(settings),
            lanes: HashMap::new(),
            taken: 0,
            crowded: false,
            stopped: false,
        };
        Self {
            inner: Mutex::new(inner),
            metrics,
            freed: Notify::new(),
            wakes: Wakes::new(),
        }
    }

    pub(super) fn settings(&self) -> Arc<Settings> {
        self.lock().settings.clone()
    }

    /// What holds for an attempt that starts now; `None` if none may any more.
    pub(super) fn start(&self) -> Option<Arc<Settings>> {
        let inner = self.lock();
        (!inner.stopped).then(|| inner.settings.clone())
    }

    pub(super) fn set_settings(&self, settings: Settings) {
        self.lock().settings = Arc::new(settings);
        self.freed.notify_waiters();
        self.wakes.room(true);
    }

    /// Sets at most `most` places aside for an endpoint.
    pub(super) fn take(&self, ready: &Arc<Ready>, most: usize, asker: Asker) -> Room {
        let now = Instant::now();
        let mut inner = self.lock();
        let inner = &mut *inner;
        if inner.stopped {
            return Room::Closed;
        }
        let free = inner.free();
        let lane = inner
            .lanes
            .entry(key(ready))
            .or_insert_with(|| Lane::new(ready.clone(), now));
        if lane.update(ready, now) {
            self.metrics.breaker(false);
        }
        let room = match lane.room(&inner.settings, free, asker, now) {
            Room::Some(room) => Room::Some(room.min(most)),
            other => other,
        };
        if let Room::Some(count) = room {
            lane.take(count, now);
            inner.taken += count;
        }
        if asker == Asker::Claimer {
            lane.waiting = true;
            inner.crowded |= room == Room::Crowded;
        }
        room
    }

    /// Gives back places that are not used.
    pub(super) fn give_back(&self, key: &Key, count: usize) {
        if count == 0 {
            return;
        }
        let mut inner = self.lock();
        if let Some(lane) = inner.lanes.get_mut(key) {
            lane.give_back(count, Instant::now());
        }
        self.freed(&mut inner, key, count);
    }

    /// Nothing more is due for that endpoint.
    pub(super) fn is_served(&self, key: &Key) {
        if let Some(lane) = self.lock().lanes.get_mut(key) {
            lane.waiting = false;
        }
    }

    /// The endpoint a place was set aside for; `None` if none was.
    pub(super) fn prepared(&self, key: &Key) -> Option<Arc<Prepared>> {
        let inner = self.lock();
        let lane = inner.lanes.get(key).filter(|lane| lane.in_flight > 0)?;
        Some(lane.prepared.clone())
    }

    /// An attempt was made. Its place among all is held until its outcome is recorded.
    pub(super) fn attempted(&self, key: &Key, shown: &Shown) -> (Change, Option<Notice>) {
        let now = Instant::now();
        let mut inner = self.lock();
        let disable_after = inner.settings.disable_after;
        let Some(lane) = inner.lanes.get_mut(key) else {
            return (Change::None, None);
        };
        lane.in_flight = lane.in_flight.saturating_sub(1);
        let change = match shown.health {
            Health::Well => lane.breaker.well(),
            Health::Ill(asked) => lane.breaker.ill(asked, now, shown.random),
            Health::Unknown => {
                lane.breaker.unused(now);
                Change::None
            }
        };
        let notice = lane.notice(shown, disable_after);
        inner.wake_claimer(key, &self.wakes);
        (change, notice)
    }

    /// A claimed delivery is given back untried. Its place among all is held until that is recorded.
    pub(super) fn released(&self, key: &Key) {
        let mut inner = self.lock();
        if let Some(lane) = inner.lanes.get_mut(key) {
            lane.give_back(1, Instant::now());
        }
        inner.wake_claimer(key, &self.wakes);
    }

    /// Outcomes were recorded.
    pub(super) fn recorded(&self, count: usize) {
        let mut inner = self.lock();
        inner.taken = inner.taken.saturating_sub(count);
        if std::mem::take(&mut inner.crowded) {
            self.wakes.less_crowded();
        }
        drop(inner);
        self.freed.notify_waiters();
    }

    /// Whether no place is free at all. The claimer, who asks, is woken when that changes.
    pub(super) fn is_crowded(&self) -> bool {
        let mut inner = self.lock();
        let none = inner.free() == 0;
        inner.crowded |= none;
        none
    }

    /// Waits for a free place, and answers how many are.
    pub(super) async fn room(&self) -> usize {
        self.until(|inner| Some(inner.free()).filter(|free| *free > 0))
            .await
    }

    /// Waits until every place is free.
    pub(super) async fn drained(&self) {
        self.until(|inner| (inner.taken == 0).then_some(())).await;
    }

    /// Sets no places aside any more.
    pub(super) fn stop(&self) {
        self.lock().stopped = true;
    }

    /// How many deliveries are started and not yet recorded.
    pub(super) fn taken(&self) -> usize {
        self.lock().taken
    }

    /// Forgets endpoints that `exist` no more and have nothing under way.
    pub(super) fn forget_unless(&self, exist: impl Fn(&Key) -> bool) {
        self.lock().lanes.retain(|key, lane| {
            let stays = lane.in_flight > 0 || exist(key);
            if !stays && lane.breaker.is_open() {
                self.metrics.breaker(false);
            }
            stays
        });
    }

    async fn until<T>(&self, ready: impl Fn(&Inner) -> Option<T>) -> T {
        loop {
            // Before looking, so that what comes free in between is not missed.
            let freed = self.freed.notified();
            if let Some(found) = ready(&self.lock()) {
                return found;
            }
            freed.await;
        }
    }

    fn freed(&self, inner: &mut Inner, key: &Key, count: usize) {
        inner.taken = inner.taken.saturating_sub(count);
        if std::mem::take(&mut inner.crowded) {
            self.wakes.less_crowded();
        }
        inner.wake_claimer(key, &self.wakes);
        self.freed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Inner {
    fn free(&self) -> usize {
        self.settings.places.saturating_sub(self.taken)
    }

    /// After a place of that endpoint has come free.
    fn wake_claimer(&mut self, key: &Key, wakes: &Wakes) {
        match self.lanes.get(key) {
            Some(lane) if lane.waiting => wakes.room(lane.has_much_room(&self.settings)),
            _ => {}
        }
    }
}

impl Lane {
    fn notice(&mut self, shown: &Shown, disable_after: Duration) -> Option<Notice> {
        let endpoint = &self.prepared.ready.endpoint;
        let version = endpoint.version;
        // An answer to an older version says nothing of this one, which may have moved.
        let gone = shown.gone.as_ref().filter(|_| shown.version == version);
        let notice = match (gone, shown.succeeded) {
            (Some(reason), _) => Some(Notice::Disabled {
                version,
                reason: reason.clone(),
            }),
            (None, Some(true)) => self.failing.succeeded(endpoint),
            (None, Some(false)) => self.failing.failed(endpoint, shown.at, disable_after),
            (None, None) => None,
        };
        match notice {
            Some(Notice::Disabled { .. }) if self.closed == Some(version) => None,
            Some(disabled @ Notice::Disabled { .. }) => {
                self.closed = Some(version);
                Some(disabled)
            }
            other => other,
        }
    }
}

fn key(ready: &Ready) -> Key {
    (ready.endpoint.tenant.clone(), ready.endpoint.id.clone())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    /// The endpoint `orders` with another URL each time.
    fn at(url: &str) -> Arc<Ready> {
        let endpoint = json!({
            "tenant": "acme", "id": "orders", "url": url, "events": ["*"], "secrets": [],
            "schemes": [], "headers": {}, "ordered": false, "timeout": null, "enabled": true,
            "origin": "api", "created_at": 0, "updated_at": 0, "version": 1,
        });
        let endpoint = serde_json::from_value(endpoint).unwrap();
        Arc::new(Ready::new(endpoint, &Default::default()).unwrap())
    }

    fn open_breakers(metrics: &Metrics) -> String {
        let mut registry = prometheus_client::registry::Registry::default();
        metrics.register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        let found = text
            .lines()
            .find_map(|line| line.strip_prefix("open_breakers "));
        found.unwrap().to_owned()
    }

    fn failed_at(at: Millis) -> Shown {
        Shown {
            version: 1,
            health: Health::Ill(Duration::ZERO),
            succeeded: Some(false),
            gone: None,
            at,
            random: 0.5,
        }
    }

    #[test]
    fn an_endpoint_that_moved_begins_to_fail_anew() {
        for (then, told) in [("https://a.example/", true), ("https://b.example/", false)] {
            let places = Places::new(Settings::default(), Arc::default());
            let fails = |url: &str, at| {
                let ready = self::at(url);
                assert_eq!(places.take(&ready, 1, Asker::Claimer), Room::Some(1));
                places.attempted(&key(&ready), &failed_at(at)).1
            };
            assert_eq!(fails("https://a.example/", Millis(0)), None);
            assert_eq!(fails(then, Millis(100_000)).is_some(), told, "{then}");
        }
    }

    /// Places with one open breaker, that of `ready`, as the metrics have it.
    fn with_open_breaker(ready: &Arc<Ready>) -> (Places, Arc<Metrics>) {
        let metrics = Arc::new(Metrics::default());
        let places = Places::new(Settings::default(), metrics.clone());
        let failed = failed_at(Millis(0));
        while matches!(places.take(ready, 1, Asker::Claimer), Room::Some(1)) {
            let (change, _) = places.attempted(&key(ready), &failed);
            if change == Change::Opened {
                metrics.breaker(true);
            }
            places.recorded(1);
        }
        assert_eq!(open_breakers(&metrics), "1");
        (places, metrics)
    }

    #[test]
    fn a_breaker_that_goes_with_its_url_is_open_no_more() {
        let before = at("https://a.example/");
        let (places, metrics) = with_open_breaker(&before);
        let room = places.take(&at("https://b.example/"), 1, Asker::Claimer);
        assert_eq!(room, Room::Some(1));
        assert_eq!(open_breakers(&metrics), "0");
    }

    #[test]
    fn a_breaker_that_goes_with_its_endpoint_is_open_no_more() {
        let (places, metrics) = with_open_breaker(&at("https://a.example/"));
        places.forget_unless(|_| true);
        assert_eq!(open_breakers(&metrics), "1");
        places.forget_unless(|_| false);
        assert_eq!(open_breakers(&metrics), "0");
    }
}
