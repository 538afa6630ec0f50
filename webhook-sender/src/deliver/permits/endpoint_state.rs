//! One endpoint's permits, rate limiter and circuit breaker.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use webhook_model::Millis;

use super::body_budget::EndpointBodies;
use crate::deliver::Settings;
use crate::deliver::breaker::{Allowance, Breaker, Change};
use crate::deliver::outcome::Health;
use crate::deliver::rate_limiter::RateLimiter;
use crate::deliver::request_template::RequestTemplate;
use crate::endpoint_health::{FailureTracker, HealthChange};
use crate::registry::CompiledEndpoint;

/// The state of an endpoint, created with its first delivery.
pub(super) struct EndpointState {
    pub template: Arc<RequestTemplate>,
    /// Attempts in flight, and permits that are reserved for them.
    pub in_flight: usize,
    /// The bodies of attempts in flight.
    pub bodies: EndpointBodies,
    pub breaker: Breaker,
    pub failures: FailureTracker,
    /// Set by the scheduler while more deliveries are due than it got permits for.
    pub waiting: bool,
    /// The version whose receiver responded 410 or failed for too long. No attempt starts while the
    /// endpoint has this version.
    pub closed: Option<u64>,
    rate_limiter: Option<RateLimiter>,
}

/// The component that requests permits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::deliver) enum Requester {
    /// Requests permits for deliveries that are due.
    Scheduler,
    /// Requests permits for new deliveries.
    Planner,
}

/// The reason for which no permit is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::deliver) enum Refusal {
    /// No permit until an attempt of this endpoint ends.
    Full,
    /// No permit until an attempt of any endpoint ends.
    Exhausted,
    /// No permit before this moment.
    After(Instant),
    /// No permit until the endpoint is changed.
    Closed,
}

/// The result of an attempt, as far as it concerns its endpoint.
pub(in crate::deliver) struct AttemptReport {
    /// The version of the endpoint that was called.
    pub version: u64,
    pub health: Health,
    /// `None` for an attempt that does not count.
    pub succeeded: Option<bool>,
    pub gone: Option<String>,
    /// The time at which the attempt began, as the attempt itself records it.
    pub at: Millis,
    pub random: f64,
}

impl EndpointState {
    pub(super) fn new(compiled: Arc<CompiledEndpoint>, now: Instant) -> Self {
        let rate_limiter = compiled
            .endpoint
            .rate_limit
            .map(|rate| RateLimiter::new(rate, now));
        Self {
            template: Arc::new(RequestTemplate::new(compiled)),
            in_flight: 0,
            bodies: EndpointBodies::default(),
            breaker: Breaker::new(),
            failures: FailureTracker::default(),
            waiting: false,
            closed: None,
            rate_limiter,
        }
    }

    /// Switches to another version of the endpoint. Returns true if that discards an open breaker.
    pub(super) fn update(&mut self, compiled: &Arc<CompiledEndpoint>, now: Instant) -> bool {
        let before = &self.template.compiled;
        if Arc::ptr_eq(before, compiled) {
            return false;
        }
        let mut closes = false;
        if before.url != compiled.url {
            // The observed failures were those of another receiver.
            closes = self.breaker.is_open();
            self.breaker = Breaker::new();
            self.failures = FailureTracker::default();
        }
        let rate = compiled.endpoint.rate_limit;
        if self.rate_limiter.as_ref().map(RateLimiter::rate) != rate {
            self.rate_limiter = rate.map(|rate| RateLimiter::new(rate, now));
        }
        self.template = Arc::new(RequestTemplate::new(compiled.clone()));
        closes
    }

    /// Returns the number of attempts that may start now, with `free` permits left in total, and bodies
    /// of `fitting` attempts.
    ///
    /// An endpoint never holds more permits than it leaves free: a receiver that hangs can hold
    /// half of all permits, two can hold a third each, and an endpoint without an attempt can
    /// always get one.
    pub(super) fn admission(
        &self,
        settings: &Settings,
        (free, fitting): (usize, usize),
        source: Requester,
        now: Instant,
    ) -> Result<usize, Refusal> {
        let endpoint = &self.template.compiled.endpoint;
        if !endpoint.enabled || self.closed == Some(endpoint.version) {
            return Err(Refusal::Closed);
        }
        let breaker = match self.breaker.allowance(self.in_flight, now) {
            Allowance::After(moment) => return Err(Refusal::After(moment)),
            Allowance::UpTo(0) => return Err(Refusal::Full),
            Allowance::UpTo(count) => count,
            Allowance::Any => usize::MAX,
        };
        let own = self
            .limit_for(settings, source)
            .saturating_sub(self.in_flight);
        if own == 0 {
            return Err(Refusal::Full);
        }
        let fair = match self.in_flight {
            0 => (free / 2).max(free.min(1)),
            held => free.saturating_sub(held) / 2,
        };
        let fair = fair.min(fitting);
        if fair == 0 {
            return Err(Refusal::Exhausted);
        }
        let rate = self
            .rate_limiter
            .as_ref()
            .map_or(Ok(usize::MAX), |rate_limiter| rate_limiter.available(now))
            .map_err(Refusal::After)?;
        Ok(own.min(breaker).min(fair).min(rate))
    }

    /// While deliveries wait in the store, new ones get only half of the permits. Otherwise a
    /// steady flow of new deliveries would starve those that wait.
    fn limit_for(&self, settings: &Settings, source: Requester) -> usize {
        let limit = self.limit(settings);
        match source {
            Requester::Planner if self.waiting => limit / 2,
            Requester::Planner | Requester::Scheduler => limit,
        }
    }

    fn limit(&self, settings: &Settings) -> usize {
        let own = self.template.compiled.endpoint.max_in_flight;
        own.map_or(settings.permits_per_endpoint, |own| {
            usize::try_from(own).unwrap_or(usize::MAX)
        })
        .max(1)
    }

    /// Returns true if enough permits are free for an immediate call of the store to be worth its
    /// cost.
    pub(super) fn has_many_free(&self, settings: &Settings) -> bool {
        self.in_flight * 4 < self.limit(settings) * 3
    }

    pub(super) fn acquire(&mut self, attempts: usize, now: Instant) {
        self.in_flight += attempts;
        self.breaker.attempt_started();
        if let Some(rate_limiter) = &mut self.rate_limiter {
            rate_limiter.acquire(attempts, now);
        }
    }

    pub(super) fn release(&mut self, attempts: usize, now: Instant) {
        self.in_flight = self.in_flight.saturating_sub(attempts);
        self.breaker.attempt_cancelled(now);
        if let Some(rate_limiter) = &mut self.rate_limiter {
            rate_limiter.release(attempts);
        }
    }

    /// Applies the result of an attempt, and releases its permit.
    pub(super) fn attempt_ended(
        &mut self,
        report: &AttemptReport,
        disable_after: Duration,
        now: Instant,
    ) -> (Change, Option<HealthChange>) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let change = match report.health {
            Health::Healthy => self.breaker.on_success(),
            Health::Unhealthy(asked) => self.breaker.on_failure(asked, now, report.random),
            Health::Unknown => {
                self.breaker.attempt_cancelled(now);
                Change::None
            }
        };
        (change, self.health_change(report, disable_after))
    }

    fn health_change(
        &mut self,
        report: &AttemptReport,
        disable_after: Duration,
    ) -> Option<HealthChange> {
        let endpoint = &self.template.compiled.endpoint;
        let version = endpoint.version;
        // A response to an older version does not apply to the current one, which may have another
        // URL.
        let gone = report.gone.as_ref().filter(|_| report.version == version);
        let change = match (gone, report.succeeded) {
            (Some(reason), _) => Some(HealthChange::Disabled {
                version,
                reason: reason.clone(),
            }),
            (None, Some(true)) => self.failures.on_success(endpoint),
            (None, Some(false)) => self.failures.on_failure(endpoint, report.at, disable_after),
            (None, None) => None,
        };
        match change {
            Some(HealthChange::Disabled { .. }) if self.closed == Some(version) => None,
            Some(disabled @ HealthChange::Disabled { .. }) => {
                self.closed = Some(version);
                Some(disabled)
            }
            other => other,
        }
    }
}
