//! Counts the permits in use, in total and of each endpoint.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;
use tokio::time::Instant;
use webhook_model::{EndpointId, TenantId};

use super::body_budget::BodyBudget;
use super::endpoint_state::{AttemptReport, EndpointState, Refusal, Requester};
use crate::deliver::Settings;
use crate::deliver::breaker::Change;
use crate::deliver::request_template::RequestTemplate;
use crate::deliver::wake_signals::WakeSignals;
use crate::endpoint_health::HealthChange;
use crate::metrics::Metrics;
use crate::registry::CompiledEndpoint;

pub(in crate::deliver) type EndpointKey = (TenantId, EndpointId);

/// The permits in use. They are acquired and released by [`Permits`](super::Permits) and its parts.
pub(in crate::deliver) struct Concurrency {
    inner: Mutex<Inner>,
    /// Receives the closing of breakers that are removed while open. Attempts report all other
    /// changes of breakers.
    metrics: Arc<Metrics>,
    /// Notified when a permit of the total is released.
    freed: Notify,
    pub wake_signals: WakeSignals,
}

struct Inner {
    settings: Arc<Settings>,
    endpoints: HashMap<EndpointKey, EndpointState>,
    /// Permits in use: reserved ones, attempts in flight, and outcomes that are not recorded yet.
    in_use: usize,
    /// The bodies of attempts in flight.
    bodies: BodyBudget,
    /// Set when the scheduler got no permit because the total limit was reached.
    exhausted: bool,
    stopped: bool,
}

impl Concurrency {
    pub(in crate::deliver) fn new(settings: Settings, metrics: Arc<Metrics>) -> Self {
        let inner = Inner {
            settings: Arc::new(settings),
            endpoints: HashMap::new(),
            in_use: 0,
            bodies: BodyBudget::default(),
            exhausted: false,
            stopped: false,
        };
        Self {
            inner: Mutex::new(inner),
            metrics,
            freed: Notify::new(),
            wake_signals: WakeSignals::new(),
        }
    }

    pub(in crate::deliver) fn settings(&self) -> Arc<Settings> {
        self.lock().settings.clone()
    }

    /// Returns the settings for an attempt that starts now; `None` once the dispatcher is stopping.
    pub(in crate::deliver) fn start(&self) -> Option<Arc<Settings>> {
        let inner = self.lock();
        (!inner.stopped).then(|| inner.settings.clone())
    }

    pub(in crate::deliver) fn set_settings(&self, settings: Settings) {
        self.lock().settings = Arc::new(settings);
        self.freed.notify_waiters();
        self.wake_signals.permits_freed(true);
    }

    /// Acquires at most `most` permits for an endpoint. Returns their number, and the template of the
    /// endpoint's requests.
    pub(super) fn acquire(
        &self,
        compiled: &Arc<CompiledEndpoint>,
        most: usize,
        source: Requester,
    ) -> Result<(usize, Arc<RequestTemplate>), Refusal> {
        let now = Instant::now();
        let mut inner = self.lock();
        let inner = &mut *inner;
        if inner.stopped {
            return Err(Refusal::Closed);
        }
        let free = inner.free();
        let endpoint = inner
            .endpoints
            .entry(key(compiled))
            .or_insert_with(|| EndpointState::new(compiled.clone(), now));
        if endpoint.update(compiled, now) {
            self.metrics.breaker(false);
        }
        let room = (free, inner.bodies.fitting(&endpoint.bodies));
        let admission = endpoint.admission(&inner.settings, room, source, now);
        if source == Requester::Scheduler {
            endpoint.waiting = true;
            inner.exhausted |= admission == Err(Refusal::Exhausted);
        }
        let count = admission?.min(most);
        endpoint.acquire(count, now);
        inner.in_use += count;
        Ok((count, endpoint.template.clone()))
    }

    /// Releases permits that were not used.
    pub(super) fn release(&self, key: &EndpointKey, count: usize) {
        let mut inner = self.lock();
        if let Some(endpoint) = inner.endpoints.get_mut(key) {
            endpoint.release(count, Instant::now());
        }
        self.freed(&mut inner, count);
        inner.wake_scheduler(key, &self.wake_signals);
    }

    /// Returns true while the circuit breaker of an endpoint is open.
    pub(in crate::deliver) fn is_breaker_open(&self, key: &EndpointKey) -> bool {
        let inner = self.lock();
        let endpoint = inner.endpoints.get(key);
        endpoint.is_some_and(|endpoint| endpoint.breaker.is_open())
    }

    /// Records that nothing more is due for an endpoint.
    pub(in crate::deliver) fn nothing_due(&self, key: &EndpointKey) {
        if let Some(endpoint) = self.lock().endpoints.get_mut(key) {
            endpoint.waiting = false;
        }
    }

    /// Applies the result of an attempt, whose body had so many bytes, to its endpoint. The permit of the
    /// total is held until the outcome is recorded.
    pub(super) fn attempt_ended(
        &self,
        key: &EndpointKey,
        report: &AttemptReport,
        body: usize,
    ) -> (Change, Option<HealthChange>) {
        let now = Instant::now();
        let mut inner = self.lock();
        inner.replace_body(key, body, 0);
        let disable_after = inner.settings.disable_after;
        let Some(endpoint) = inner.endpoints.get_mut(key) else {
            return (Change::None, None);
        };
        let changes = endpoint.attempt_ended(report, disable_after, now);
        inner.wake_scheduler(key, &self.wake_signals);
        changes
    }

    /// Releases the endpoint's permit of a delivery that is returned without an attempt. The permit
    /// of the total is held until that is recorded.
    pub(super) fn attempt_skipped(&self, key: &EndpointKey, body: usize) {
        let mut inner = self.lock();
        inner.replace_body(key, body, 0);
        if let Some(endpoint) = inner.endpoints.get_mut(key) {
            endpoint.release(1, Instant::now());
        }
        inner.wake_scheduler(key, &self.wake_signals);
    }

    /// Replaces the body of an attempt in flight, which has no bytes before it is known.
    pub(super) fn replace_body(&self, key: &EndpointKey, before: usize, after: usize) {
        self.lock().replace_body(key, before, after);
    }

    /// Releases the permits of outcomes that are recorded.
    pub(super) fn outcomes_recorded(&self, count: usize) {
        self.freed(&mut self.lock(), count);
    }

    /// Returns true if no permit is free, or no body fits. The scheduler, the only caller, is woken
    /// when that changes.
    pub(in crate::deliver) fn is_exhausted(&self) -> bool {
        let mut inner = self.lock();
        let none = inner.free() == 0 || inner.bodies.is_exhausted();
        inner.exhausted |= none;
        none
    }

    /// Waits until a permit is free, and returns the number of free permits.
    pub(in crate::deliver) async fn free_permits(&self) -> usize {
        self.until(|inner| Some(inner.free()).filter(|free| *free > 0))
            .await
    }

    /// Waits until no permit is in use.
    pub(in crate::deliver) async fn drained(&self) {
        self.until(|inner| (inner.in_use == 0).then_some(())).await;
    }

    /// Rejects every further request for a permit.
    pub(in crate::deliver) fn stop(&self) {
        self.lock().stopped = true;
    }

    /// Returns the number of deliveries that are started and not yet recorded.
    pub(in crate::deliver) fn in_use(&self) -> usize {
        self.lock().in_use
    }

    /// Removes endpoints that no longer exist and have no attempt in flight.
    pub(in crate::deliver) fn retain(&self, exist: impl Fn(&EndpointKey) -> bool) {
        self.lock().endpoints.retain(|key, endpoint| {
            let stays = endpoint.in_flight > 0 || exist(key);
            if !stays && endpoint.breaker.is_open() {
                self.metrics.breaker(false);
            }
            stays
        });
    }

    async fn until<T>(&self, condition: impl Fn(&Inner) -> Option<T>) -> T {
        loop {
            // Registered before the check, so that a release in between is not missed.
            let freed = self.freed.notified();
            if let Some(found) = condition(&self.lock()) {
                return found;
            }
            freed.await;
        }
    }

    fn freed(&self, inner: &mut Inner, count: usize) {
        inner.in_use = inner.in_use.saturating_sub(count);
        if std::mem::take(&mut inner.exhausted) {
            self.wake_signals.exhaustion_ended();
        }
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
        self.settings.permits.saturating_sub(self.in_use)
    }

    fn replace_body(&mut self, key: &EndpointKey, before: usize, after: usize) {
        match self.endpoints.get_mut(key) {
            Some(endpoint) => self.bodies.replace(&mut endpoint.bodies, before, after),
            None => self.bodies.forget(before),
        }
    }

    /// Wakes the scheduler after the release of one of the endpoint's permits, if it waits for one.
    fn wake_scheduler(&mut self, key: &EndpointKey, wake_signals: &WakeSignals) {
        match self.endpoints.get(key) {
            Some(endpoint) if endpoint.waiting => {
                wake_signals.permits_freed(endpoint.has_many_free(&self.settings))
            }
            _ => {}
        }
    }
}

pub(super) fn key(compiled: &CompiledEndpoint) -> EndpointKey {
    (
        compiled.endpoint.tenant.clone(),
        compiled.endpoint.id.clone(),
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use webhook_model::Millis;

    use super::*;
    use crate::deliver::outcome::Health;

    /// Returns the endpoint `orders` with this URL.
    fn at(url: &str) -> Arc<CompiledEndpoint> {
        let endpoint = json!({
            "tenant": "acme", "id": "orders", "url": url, "events": ["*"], "secrets": [],
            "schemes": [], "headers": {}, "ordered": false, "timeout": null, "enabled": true,
            "origin": "api", "created_at": 0, "updated_at": 0, "version": 1,
        });
        let endpoint = serde_json::from_value(endpoint).unwrap();
        Arc::new(CompiledEndpoint::new(endpoint, &Default::default()).unwrap())
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

    fn failed_at(at: Millis) -> AttemptReport {
        AttemptReport {
            version: 1,
            health: Health::Unhealthy(Duration::ZERO),
            succeeded: Some(false),
            gone: None,
            at,
            random: 0.5,
        }
    }

    #[test]
    fn a_changed_url_restarts_the_failure_window() {
        for (then, is_reported) in [("https://a.example/", true), ("https://b.example/", false)] {
            let concurrency = Concurrency::new(Settings::default(), Arc::default());
            let fails = |url: &str, at| {
                let compiled = self::at(url);
                assert!(
                    concurrency
                        .acquire(&compiled, 1, Requester::Scheduler)
                        .is_ok()
                );
                concurrency
                    .attempt_ended(&key(&compiled), &failed_at(at), 0)
                    .1
            };
            assert_eq!(fails("https://a.example/", Millis(0)), None);
            assert_eq!(
                fails(then, Millis(100_000)).is_some(),
                is_reported,
                "{then}"
            );
        }
    }

    /// Returns permits with one open breaker, that of `compiled`, which the metrics include.
    fn with_open_breaker(compiled: &Arc<CompiledEndpoint>) -> (Concurrency, Arc<Metrics>) {
        let metrics = Arc::new(Metrics::default());
        let concurrency = Concurrency::new(Settings::default(), metrics.clone());
        let failed = failed_at(Millis(0));
        while concurrency
            .acquire(compiled, 1, Requester::Scheduler)
            .is_ok()
        {
            let (change, _) = concurrency.attempt_ended(&key(compiled), &failed, 0);
            if change == Change::Opened {
                metrics.breaker(true);
            }
            concurrency.outcomes_recorded(1);
        }
        assert_eq!(open_breakers(&metrics), "1");
        (concurrency, metrics)
    }

    #[test]
    fn replacing_the_url_of_an_open_breaker_decrements_the_gauge() {
        let before = at("https://a.example/");
        let (concurrency, metrics) = with_open_breaker(&before);
        let after = at("https://b.example/");
        assert!(concurrency.acquire(&after, 1, Requester::Scheduler).is_ok());
        assert_eq!(open_breakers(&metrics), "0");
    }

    #[test]
    fn removing_the_endpoint_of_an_open_breaker_decrements_the_gauge() {
        let (concurrency, metrics) = with_open_breaker(&at("https://a.example/"));
        concurrency.retain(|_| true);
        assert_eq!(open_breakers(&metrics), "1");
        concurrency.retain(|_| false);
        assert_eq!(open_breakers(&metrics), "0");
    }
}
