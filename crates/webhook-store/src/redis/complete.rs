//! Records the outcomes of claims, with concurrent script calls for the tenants.

use std::collections::BTreeMap;

use webhook_model::{Millis, Owner, TenantId};

use super::RedisStore;
use super::keys::TenantKeys;
use super::record::write_attempt;
use super::scripts::COMPLETE;
use super::store::{AT_A_TIME, each, stamp};
use crate::unwritten::Recording;
use crate::{NextState, Outcome, Result};

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
        let replies = each(parts.iter().copied().map(call).collect()).await;
        let mut recorded = vec![false; outcomes.len()];
        for ((_, indices), reply) in parts.into_iter().zip(replies) {
            for (at, is_recorded) in indices.iter().zip(reply?) {
                recorded[*at] = is_recorded;
            }
        }
        Ok(recorded)
    }

    /// Records outcomes of a tenant, and counts them: if the call of another tenant fails, they are not new
    /// in the next call. Returns for each outcome whether it is recorded.
    async fn complete_of(
        &self,
        owner: &Owner,
        tenant: &TenantId,
        indices: &[usize],
        outcomes: &[Outcome],
        now: Millis,
    ) -> Result<Vec<bool>> {
        let root = TenantKeys::of(tenant).root();
        let mut call = COMPLETE.call_sized(&root, 5 * indices.len(), 600 * indices.len());
        call.arg(&owner.incarnation).arg(&stamp(now));
        let outcomes = || indices.iter().filter_map(|at| outcomes.get(*at));
        for outcome in outcomes() {
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
        }
        let (reply, lowered): (String, String) = self.run(&COMPLETE, &call).await?;
        let recordings: Vec<Recording> = reply.bytes().map(recording).collect();
        let recorded = outcomes().zip(recordings.iter().copied());
        let recorded = self.in_flight.end_all(&owner.incarnation, recorded);
        self.unwritten.count(&recorded, now);
        self.publish_wake(tenant, &lowered).await;
        Ok(recordings.into_iter().map(Recording::is_recorded).collect())
    }
}

/// Reads a digit of `scripts/complete.lua`.
fn recording(digit: u8) -> Recording {
    match digit {
        b'1' => Recording::Repeated,
        b'2' => Recording::New { is_dead: false },
        b'3' => Recording::New { is_dead: true },
        _ => Recording::Rejected,
    }
}
