//! Records the outcomes of claims, with concurrent script calls for the tenants.

use std::collections::BTreeMap;

use webhook_model::{Millis, Owner, TenantId};

use super::RedisStore;
use super::keys::TenantKeys;
use super::record::write_attempt;
use super::scripts::COMPLETE;
use super::store::{AT_A_TIME, all, stamp};
use crate::endpoint_stats::Counter;
use crate::recent_attempts::STORED;
use crate::{MAX_RECENT, NextState, Outcome, Result};

impl RedisStore {
    pub(super) async fn record_outcomes(
        &self,
        owner: &Owner,
        outcomes: &[Outcome],
        now: Millis,
    ) -> Result<Vec<bool>> {
        let mut by_tenant: BTreeMap<&TenantId, Vec<usize>> = BTreeMap::new();
        for (at, outcome) in outcomes.iter().enumerate() {
            by_tenant.entry(&outcome.tenant).or_default().push(at);
        }
        let mut parts = Vec::with_capacity(by_tenant.len());
        for (tenant, indices) in &by_tenant {
            parts.extend(indices.chunks(AT_A_TIME).map(|indices| (*tenant, indices)));
        }
        let call = |(tenant, indices)| self.complete_of(owner, tenant, indices, outcomes, now);
        let replies = all(parts.iter().copied().map(call).collect()).await?;
        let mut recorded = vec![false; outcomes.len()];
        for ((_, indices), reply) in parts.into_iter().zip(replies) {
            for (at, was) in indices.iter().zip(reply.bytes()) {
                recorded[*at] = was == b'1';
            }
        }
        let ended = outcomes
            .iter()
            .map(|outcome| (&outcome.tenant, &outcome.id, outcome.fence));
        self.in_flight.remove_all(&owner.incarnation, ended);
        Ok(recorded)
    }

    /// Returns a `1` for each outcome that is recorded, by this call or an earlier one, and a `0`
    /// for others.
    async fn complete_of(
        &self,
        owner: &Owner,
        tenant: &TenantId,
        indices: &[usize],
        outcomes: &[Outcome],
        now: Millis,
    ) -> Result<String> {
        let root = TenantKeys::of(tenant).root();
        let mut call = COMPLETE.call_sized(&root, 7 * indices.len(), 600 * indices.len());
        call.arg(&owner.incarnation).arg(&stamp(now));
        for outcome in indices.iter().filter_map(|at| outcomes.get(*at)) {
            call.arg(outcome.id.as_str()).arg(&outcome.fence.to_bytes());
            let what = match &outcome.next {
                NextState::Succeeded => "S",
                NextState::Due(_) => "P",
                NextState::Dead(_) => "D",
            };
            call.arg(what).arg(
                outcome
                    .attempt
                    .as_ref()
                    .map(|attempt| write_attempt(attempt, outcome.fence))
                    .unwrap_or_default(),
            );
            match &outcome.next {
                NextState::Succeeded => call.arg(""),
                NextState::Due(at) => call.arg(at.0),
                NextState::Dead(reason) => call.arg(reason),
            };
            call.arg(outcome.endpoint.as_str()).arg(counter(outcome));
        }
        let (reply, lowered): (String, String) = self.run(&COMPLETE, &call).await?;
        self.publish_wake(tenant, &lowered).await;
        Ok(reply)
    }
}

/// Returns the counter of an outcome's attempt. The script counts dead letters itself.
fn counter(outcome: &Outcome) -> String {
    let counter = Counter::of_outcome(outcome.attempt.as_ref(), false).next();
    counter.map_or_else(String::new, |Counter(number)| number.to_string())
}

/// `scripts/counts.lua` contains these numbers.
const _: () = assert!(
    Counter::DEAD.0 == 64
        && Counter::SUCCEEDED.0 == 65
        && Counter::FAILED.0 == 66
        && MAX_RECENT == 50
        && STORED == 16
);
