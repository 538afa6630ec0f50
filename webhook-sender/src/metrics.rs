//! Metrics of deliveries.

use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use webhook_model::{Attempt, Phase};
use webhook_store::{NextState, Outcome};

/// The upper bounds of the buckets of attempts' durations, in seconds: from receivers on the same
/// machine to the timeout.
const DURATIONS: [f64; 14] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 30.0,
];

/// Counters of attempts and outcomes.
pub struct Metrics {
    attempts: Family<AttemptLabels, Counter>,
    durations: Histogram,
    deliveries: Family<OutcomeLabels, Counter>,
    fenced: Counter,
    caught_panics: Counter,
    open_breakers: Gauge,
    refused: Family<RefusalLabels, Counter>,
}

/// The reason for which the API rejected a request before processing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    NoToken,
    WrongToken,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    token: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabels {
    phase: PhaseLabel,
    /// `2xx` to `5xx`, or `none`.
    status: &'static str,
}

/// The phase in which an attempt failed; `none` if it succeeded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct PhaseLabel(Option<Phase>);

impl EncodeLabelValue for PhaseLabel {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.0.map_or("none", Phase::name).encode(encoder)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            attempts: Family::default(),
            durations: Histogram::new(DURATIONS),
            deliveries: Family::default(),
            fenced: Counter::default(),
            caught_panics: Counter::default(),
            open_breakers: Gauge::default(),
            refused: Family::default(),
        }
    }
}

impl Metrics {
    /// Registers these metrics with `registry`.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "attempts",
            "Attempts to deliver, by the phase in which they failed and the class of the response status",
            self.attempts.clone(),
        );
        registry.register_with_unit(
            "attempt_duration",
            "Durations of attempts",
            Unit::Seconds,
            self.durations.clone(),
        );
        registry.register(
            "deliveries",
            "Outcomes recorded: succeeded, retried, dead, or released without an attempt",
            self.deliveries.clone(),
        );
        registry.register(
            "fenced_outcomes",
            "Outcomes of attempts rejected because their claim had expired",
            self.fenced.clone(),
        );
        registry.register(
            "caught_panics",
            "Panics caught in attempts and in the code that observes them",
            self.caught_panics.clone(),
        );
        registry.register(
            "open_breakers",
            "Endpoints whose circuit breaker is open",
            self.open_breakers.clone(),
        );
        registry.register(
            "unauthorized_requests",
            "Requests that the API rejected because their token was missing or wrong",
            self.refused.clone(),
        );
    }

    /// Counts an attempt; `None` for one that does not count.
    pub fn attempted(&self, attempt: Option<&Attempt>, took: Duration) {
        let Some(attempt) = attempt else { return };
        let labels = AttemptLabels {
            phase: PhaseLabel(attempt.phase),
            status: class(attempt.status),
        };
        self.attempts.get_or_create(&labels).inc();
        self.durations.observe(took.as_secs_f64());
    }

    /// Counts an outcome that was recorded or rejected. A rejected release counts as neither,
    /// because no attempt is lost with it.
    pub fn recorded(&self, outcome: &Outcome, kept: bool) {
        if !kept {
            self.fenced.inc_by(outcome.attempt.is_some().into());
            return;
        }
        let outcome = match (&outcome.next, &outcome.attempt) {
            (NextState::Succeeded, _) => "succeeded",
            (NextState::Dead(_), _) => "dead",
            (NextState::Due(_), Some(_)) => "retried",
            (NextState::Due(_), None) => "released",
        };
        self.deliveries
            .get_or_create(&OutcomeLabels { outcome })
            .inc();
    }

    /// Counts a panic that was caught.
    pub fn caught_panic(&self) {
        self.caught_panics.inc();
    }

    /// Counts a request that was rejected because of its token.
    pub fn refused(&self, refusal: Refusal) {
        let token = match refusal {
            Refusal::NoToken => "missing",
            Refusal::WrongToken => "wrong",
        };
        self.refused.get_or_create(&RefusalLabels { token }).inc();
    }

    /// Counts an opened or closed circuit breaker.
    pub fn breaker(&self, opened: bool) {
        if opened {
            self.open_breakers.inc();
        } else {
            self.open_breakers.dec();
        }
    }
}

fn class(status: Option<u16>) -> &'static str {
    match status {
        None => "none",
        Some(100..=199) => "1xx",
        Some(200..=299) => "2xx",
        Some(300..=399) => "3xx",
        Some(400..=499) => "4xx",
        Some(500..=599) => "5xx",
        Some(_) => "other",
    }
}
