//! A claimed delivery on its way.

use std::sync::Arc;

use webhook_model::{Attempt, Millis, Owner};
use webhook_store::{Claim, Next, Outcome};

use super::breaker::Change;
use super::context::Context;
use super::outcome::{Verdict, broken};
use super::places::{Key, Shown};
use super::prepared::Prepared;

/// A delivery in a place. It ends with exactly one outcome, also where its task panics: what is
/// dropped without one is recorded as a failed attempt, and its place is free again.
pub(super) struct Flight {
    context: Arc<Context>,
    pub owner: Arc<Owner>,
    pub claim: Claim,
    pub prepared: Arc<Prepared>,
    /// Whether its endpoint's place is taken.
    in_place: bool,
    /// Whether its outcome is still to be recorded.
    open: bool,
}

impl Flight {
    pub(super) fn new(
        context: Arc<Context>,
        owner: Arc<Owner>,
        claim: Claim,
        prepared: Arc<Prepared>,
    ) -> Self {
        Self {
            context,
            owner,
            claim,
            prepared,
            in_place: true,
            open: true,
        }
    }

    /// Gives the delivery back untried.
    pub(super) fn release(self) {
        let due = self.context.due_again(&self.claim);
        self.end_untried(due);
    }

    pub(super) fn end_untried(mut self, next: Next) {
        self.leave_place();
        let ended = !matches!(next, Next::Due(_));
        self.record(None, next, ended);
    }

    /// Ends with the outcome of an attempt. Returns what it has changed about the endpoint's breaker.
    pub(super) fn judged(&mut self, verdict: Verdict, now: Millis, random: f64) -> Change {
        let gone = match &verdict.next {
            Next::Dead(reason) if verdict.gone => Some(reason.clone()),
            _ => None,
        };
        let succeeded = |attempt: &Attempt| attempt.error.is_none();
        let shown = Shown {
            version: self.prepared.ready.endpoint.version,
            health: verdict.health,
            succeeded: verdict.attempt.as_ref().map(succeeded),
            gone,
            at: now,
            random,
        };
        let key = self.key();
        self.in_place = false;
        let (change, notice) = self.context.places.attempted(&key, &shown);
        let ordered = self.prepared.ready.endpoint.ordered;
        self.record(verdict.attempt, verdict.next, ordered);
        if let Some(notice) = notice {
            self.context.notice((key.0, key.1, notice));
        }
        change
    }

    fn key(&self) -> Key {
        (self.claim.tenant.clone(), self.claim.endpoint.clone())
    }

    fn leave_place(&mut self) {
        if std::mem::take(&mut self.in_place) {
            self.context.places.released(&self.key());
        }
    }

    fn record(&mut self, attempt: Option<Attempt>, next: Next, ordered: bool) {
        self.open = false;
        let outcome = outcome(&self.claim, attempt, next);
        self.context.record(self.owner.clone(), outcome, ordered);
    }
}

/// Nothing that only observes happens here: a panic on top of a panic would end the process.
impl Drop for Flight {
    fn drop(&mut self) {
        self.leave_place();
        if !self.open {
            return;
        }
        let settings = self.context.places.settings();
        let retry = self.prepared.retry(&settings);
        let now = self.context.clock.now();
        let verdict = broken(self.claim.made, retry, now, rand::random());
        let ordered = self.prepared.ready.endpoint.ordered;
        self.record(verdict.attempt, verdict.next, ordered);
    }
}

pub(super) fn outcome(claim: &Claim, attempt: Option<Attempt>, next: Next) -> Outcome {
    Outcome {
        tenant: claim.tenant.clone(),
        id: claim.id.clone(),
        endpoint: claim.endpoint.clone(),
        fence: claim.fence,
        attempt,
        next,
    }
}
