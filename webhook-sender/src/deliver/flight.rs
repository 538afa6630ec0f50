//! A claimed delivery in flight.

use std::sync::Arc;

use webhook_model::{Attempt, Millis, Owner};
use webhook_store::{Claim, NextState, Outcome};

use super::breaker::Change;
use super::concurrency::{AttemptReport, EndpointKey};
use super::context::Context;
use super::outcome::{Disposition, classify_panic};
use super::request_template::RequestTemplate;

/// A delivery that holds a permit. It ends with exactly one outcome, even if its task panics:
/// dropping it without an outcome records a failed attempt and releases the permit.
pub(super) struct Flight {
    context: Arc<Context>,
    pub owner: Arc<Owner>,
    pub claim: Claim,
    pub template: Arc<RequestTemplate>,
    /// Set while the permit of the endpoint is held.
    holds_permit: bool,
    /// Set until the outcome is passed to the recorder.
    open: bool,
}

impl Flight {
    pub(super) fn new(
        context: Arc<Context>,
        owner: Arc<Owner>,
        claim: Claim,
        template: Arc<RequestTemplate>,
    ) -> Self {
        Self {
            context,
            owner,
            claim,
            template,
            holds_permit: true,
            open: true,
        }
    }

    /// Returns the delivery to the queue without an attempt.
    pub(super) fn release(self) {
        let due = self.context.due_again(&self.claim);
        self.end_untried(due);
    }

    pub(super) fn end_untried(mut self, next: NextState) {
        self.release_permit();
        let ended = !matches!(next, NextState::Due(_));
        self.record(None, next, ended);
    }

    /// Ends with the outcome of an attempt that began at `at`. Returns the change of the circuit
    /// breaker.
    pub(super) fn end(&mut self, disposition: Disposition, at: Millis, random: f64) -> Change {
        let gone = match &disposition.next {
            NextState::Dead(reason) if disposition.gone => Some(reason.clone()),
            _ => None,
        };
        let succeeded = |attempt: &Attempt| attempt.error.is_none();
        let report = AttemptReport {
            version: self.template.compiled.endpoint.version,
            health: disposition.health,
            succeeded: disposition.attempt.as_ref().map(succeeded),
            gone,
            at,
            random,
        };
        let key = self.key();
        self.holds_permit = false;
        let (change, health_change) = self.context.concurrency.attempt_ended(&key, &report);
        let ordered = self.template.compiled.endpoint.ordered;
        self.record(disposition.attempt, disposition.next, ordered);
        if let Some(health_change) = health_change {
            self.context
                .report_health_change((key.0, key.1, health_change));
        }
        change
    }

    fn key(&self) -> EndpointKey {
        (self.claim.tenant.clone(), self.claim.endpoint.clone())
    }

    fn release_permit(&mut self) {
        if std::mem::take(&mut self.holds_permit) {
            self.context.concurrency.attempt_skipped(&self.key());
        }
    }

    fn record(&mut self, attempt: Option<Attempt>, next: NextState, ordered: bool) {
        self.open = false;
        let outcome = outcome(&self.claim, attempt, next);
        self.context.record(self.owner.clone(), outcome, ordered);
    }
}

/// No observer runs here: a panic during a panic would abort the process.
impl Drop for Flight {
    fn drop(&mut self) {
        self.release_permit();
        if !self.open {
            return;
        }
        let settings = self.context.concurrency.settings();
        let retry = self.template.retry(&settings);
        let now = self.context.clock.now();
        let disposition = classify_panic(self.claim.attempts_made, retry, now, rand::random());
        let ordered = self.template.compiled.endpoint.ordered;
        self.record(disposition.attempt, disposition.next, ordered);
    }
}

pub(super) fn outcome(claim: &Claim, attempt: Option<Attempt>, next: NextState) -> Outcome {
    Outcome {
        tenant: claim.tenant.clone(),
        id: claim.id.clone(),
        endpoint: claim.endpoint.clone(),
        fence: claim.fence,
        attempt,
        next,
    }
}
