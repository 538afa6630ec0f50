//! A claimed delivery in flight.

use std::sync::Arc;

use bytes::Bytes;
use webhook_model::{Attempt, Millis, Owner};
use webhook_store::{Claim, NextState, Outcome};

use super::breaker::Change;
use super::context::{Context, QueuedOutcome};
use super::outcome::{Disposition, classify_panic};
use super::permits::{AttemptReport, EndpointPermit, Permit, TotalPermits};
use super::request_template::RequestTemplate;

/// A delivery that holds a permit. It ends with exactly one outcome, even if its task panics:
/// dropping it without an outcome records a failed attempt.
pub(super) struct Flight {
    context: Arc<Context>,
    pub owner: Arc<Owner>,
    pub claim: Claim,
    pub template: Arc<RequestTemplate>,
    /// Held until the attempt ends or is skipped.
    endpoint_permit: Option<EndpointPermit>,
    /// Held until it is passed to the recorder together with the outcome.
    total_permit: Option<TotalPermits>,
}

impl Flight {
    pub(super) fn new(
        context: Arc<Context>,
        owner: Arc<Owner>,
        claim: Claim,
        mut permit: Permit,
    ) -> Self {
        permit.endpoint.hold_body(claim.body.len());
        Self {
            context,
            owner,
            claim,
            template: permit.endpoint.template().clone(),
            endpoint_permit: Some(permit.endpoint),
            total_permit: Some(permit.total),
        }
    }

    /// Sets the body, which was not rendered before.
    pub(super) fn set_body(&mut self, body: Bytes) {
        if let Some(permit) = &mut self.endpoint_permit {
            permit.hold_body(body.len());
        }
        self.claim.body = body;
    }

    /// Returns the delivery to the queue without an attempt.
    pub(super) fn release(self) {
        let due = self.context.due_again(&self.claim);
        self.end_untried(due);
    }

    pub(super) fn end_untried(mut self, next: NextState) {
        self.endpoint_permit = None;
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
        let ended = self
            .endpoint_permit
            .take()
            .map(|permit| permit.end(&report));
        let (change, health_change) = ended.unwrap_or((Change::None, None));
        let ordered = self.template.compiled.endpoint.ordered;
        self.record(disposition.attempt, disposition.next, ordered);
        if let Some(health_change) = health_change {
            let (tenant, endpoint) = (self.claim.tenant.clone(), self.claim.endpoint.clone());
            self.context
                .report_health_change((tenant, endpoint, health_change));
        }
        change
    }

    fn record(&mut self, attempt: Option<Attempt>, next: NextState, ordered: bool) {
        self.context.record(QueuedOutcome {
            owner: self.owner.clone(),
            outcome: outcome(&self.claim, attempt, next),
            ordered,
            permit: self.total_permit.take(),
        });
    }
}

/// No observer runs here: a panic during a panic would abort the process.
impl Drop for Flight {
    fn drop(&mut self) {
        self.endpoint_permit = None;
        if self.total_permit.is_none() {
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
