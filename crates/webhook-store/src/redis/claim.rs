//! Claims due deliveries, with concurrent script calls for the tenants.

use std::collections::BTreeMap;

use bytes::Bytes;
use webhook_model::{DeliveryId, EndpointId, Millis, Owner, TenantId};

use super::RedisStore;
use super::event_record::event_data;
use super::record::Record;
use super::scripts::CLAIM;
use super::store::{AT_A_TIME, all, tenant_call};
use crate::{Claim, ClaimRequest, Fence, NextState, Outcome, Result};

/// A delivery's id, its record before it was claimed, and its event or body.
type Row = (String, Vec<u8>, Option<Vec<u8>>);

impl RedisStore {
    pub(super) async fn claim_due(
        &self,
        owner: &Owner,
        requests: &[ClaimRequest],
        now: Millis,
    ) -> Result<Vec<Claim>> {
        self.return_lost_claims(owner, now).await?;
        let mut by_tenant: BTreeMap<&TenantId, Vec<(&EndpointId, usize)>> = BTreeMap::new();
        for request in requests.iter().filter(|request| request.limit > 0) {
            by_tenant
                .entry(&request.tenant)
                .or_default()
                .push((&request.endpoint, request.limit));
        }
        let tenants = by_tenant.keys().map(|tenant| (*tenant).clone()).collect();
        let tracked = self.in_flight.track(owner, tenants).await?;
        let fence = Fence::new(now);
        let call = |(tenant, requests)| self.claim_of(owner, tenant, requests, fence);
        let claims = all(by_tenant.into_iter().map(call).collect())
            .await?
            .concat();
        tracked.finish(fence, claims.iter().map(|claim| (&claim.tenant, &claim.id)));
        Ok(claims)
    }

    /// Claims deliveries of one tenant, with a bounded number in each call.
    async fn claim_of(
        &self,
        owner: &Owner,
        tenant: &TenantId,
        requests: Vec<(&EndpointId, usize)>,
        fence: Fence,
    ) -> Result<Vec<Claim>> {
        let mut claims = Vec::new();
        for requests in calls(requests) {
            let mut call = tenant_call(&CLAIM, tenant);
            call.arg(&owner.incarnation)
                .arg(&fence.to_bytes())
                .arg(fence.at.0);
            for (endpoint, room) in requests {
                call.arg(endpoint.as_str()).arg(room);
            }
            let rows: Vec<Row> = self.run(&CLAIM, &call).await?;
            if self.link.address().is_cluster() {
                // A cluster's client repeats a call whose reply was lost, which claims more.
                self.in_flight.suspect(&owner.incarnation, tenant);
            }
            for row in rows {
                claims.extend(self.read_claim(owner, tenant, row, fence).await?);
            }
        }
        claims.sort_by_key(|claim| claim.due);
        Ok(claims)
    }

    async fn read_claim(
        &self,
        owner: &Owner,
        tenant: &TenantId,
        (id, record, source): Row,
        fence: Fence,
    ) -> Result<Option<Claim>> {
        let id = DeliveryId::parse(&id).map_err(|error| self.failed(error))?;
        let record = Record::read(&id, &record).map_err(|error| self.failed(error))?;
        let Some(source) = source.map(Bytes::from) else {
            // No script deletes one without the other, but a delivery that cannot be sent must not
            // stay in flight for ever.
            self.bury_without_body(owner, tenant, id, record.endpoint, fence)
                .await?;
            return Ok(None);
        };
        let body = if record.has_own_body() {
            source
        } else {
            event_data(&record.event, &source).map_err(|error| self.failed(error))?
        };
        Ok(Some(Claim {
            tenant: tenant.clone(),
            id,
            endpoint: record.endpoint,
            event: record.event,
            body,
            attempts_made: record.attempts_made.into(),
            due: record.when,
            fence,
        }))
    }

    async fn bury_without_body(
        &self,
        owner: &Owner,
        tenant: &TenantId,
        id: DeliveryId,
        endpoint: EndpointId,
        fence: Fence,
    ) -> Result<()> {
        tracing::error!(%tenant, delivery = %id, "the body of a delivery is missing from the store");
        let next = NextState::Dead("its body is missing from the store".into());
        let outcome = Outcome {
            tenant: tenant.clone(),
            id,
            endpoint,
            fence,
            attempt: None,
            next,
        };
        let outcomes = [outcome];
        let recorded = self.record_outcomes(owner, &outcomes, fence.at);
        recorded.await.map(drop)
    }
}

/// Returns the owner and the fence of a claim, in the form of a record.
pub(super) fn in_flight_prefix(owner: &Owner, fence: Fence) -> Vec<u8> {
    [owner.incarnation.as_bytes(), &fence.to_bytes()].concat()
}

/// Splits requests into calls, none of which claims more than [`AT_A_TIME`] deliveries.
fn calls(requests: Vec<(&EndpointId, usize)>) -> Vec<Vec<(&EndpointId, usize)>> {
    let (mut calls, mut call, mut room) = (Vec::new(), Vec::new(), AT_A_TIME);
    for (endpoint, limit) in requests {
        let mut left = limit;
        while left > 0 {
            let part = left.min(room);
            call.push((endpoint, part));
            left -= part;
            room -= part;
            if room == 0 {
                calls.push(std::mem::take(&mut call));
                room = AT_A_TIME;
            }
        }
    }
    calls.push(call);
    calls.retain(|call| !call.is_empty());
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_any_size_is_requested_whole() {
        let (one, two) = (EndpointId::random(), EndpointId::random());
        let calls = calls(vec![(&one, 1000), (&two, 30)]);
        let total = |of: &EndpointId| -> usize {
            let parts = calls.iter().flatten();
            let parts = parts.filter(|(endpoint, _)| *endpoint == of);
            parts.map(|(_, limit)| limit).sum()
        };
        assert_eq!((total(&one), total(&two)), (1000, 30));
        for call in &calls {
            assert!(call.iter().map(|(_, limit)| limit).sum::<usize>() <= AT_A_TIME);
        }
    }
}
