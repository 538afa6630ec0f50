//! Claims due deliveries. Nothing is written: see the [module](super).

use std::sync::Arc;

use bytes::Bytes;
use rusqlite::{Connection, Row};
use webhook_model::{EventId, Millis, Owner};

use super::claim_guard::{ClaimGuard, ClaimReturn};
use super::job::FaultResult;
use super::lookup;
use super::queue::{Flight, QueuePosition, Shared};
use super::row::{millis, read_delivery_id};
use crate::{Claim, ClaimRequest, Fence, StoreError};

const NEXT: &str = "SELECT d.at, d.seq, d.id, d.made, d.chain, e.id, coalesce(d.body, e.data)
    FROM deliveries d INDEXED BY deliveries_due CROSS JOIN events e ON e.key = d.event
    WHERE d.endpoint = ?1 AND d.state = 0 AND (d.at, d.seq) >= (?2, ?3) ORDER BY d.at, d.seq";

/// Claims due deliveries, the longest due first.
///
/// Runs on the writer's thread, between two transactions: it reads committed data only, and no
/// other claim runs meanwhile. Claims are returned by `claim_return` if the caller has stopped
/// waiting.
pub(super) fn claim(
    sql: &Connection,
    claim_return: &ClaimReturn,
    owner: &Owner,
    requests: &[ClaimRequest],
    now: Millis,
) -> FaultResult<ClaimGuard<Vec<Claim>>> {
    let shared = &claim_return.shared;
    let lease = shared.lock().leases.of(owner);
    let lease = lease.ok_or_else(|| StoreError::LeaseLost(owner.name.clone()))?;
    let claimer = Claimer {
        sql,
        shared,
        lease,
        owner: owner.incarnation.as_str().into(),
        fence: Fence::new(now),
        now: now.as_i64(),
    };
    let mut claims = Vec::new();
    let claimed = requests
        .iter()
        .try_for_each(|request| claimer.claim_due(request, &mut claims));
    claims.sort_by_key(|claim| claim.due);
    let key = |claim: &Claim| (claim.tenant.clone(), claim.id.clone());
    let keys = claims.iter().map(key).collect();
    let claims = claim_return.guard(claims, keys, lease);
    // After a failure, dropping the guard returns the claims made before.
    claimed.map(|()| claims)
}

struct Claimer<'a> {
    sql: &'a Connection,
    shared: &'a Shared,
    lease: u64,
    owner: Arc<str>,
    fence: Fence,
    now: i64,
}

impl Claimer<'_> {
    /// Claims the due deliveries of one endpoint, up to the limit of the request.
    fn claim_due(&self, request: &ClaimRequest, claims: &mut Vec<Claim>) -> FaultResult<()> {
        let Some((endpoint_key, first)) = self.endpoint_key(request) else {
            return Ok(());
        };
        let mut next = self.sql.prepare_cached(NEXT)?;
        let mut rows = next.query((endpoint_key, first.at, first.seq))?;
        let mut remaining = request.limit;
        let mut begins_at = None;
        while let Some(row) = rows.next()? {
            let position = QueuePosition {
                at: row.get(0)?,
                seq: row.get(1)?,
            };
            if self.shared.lock().in_flight.has(position.seq) {
                continue;
            }
            if remaining == 0 || position.at > self.now {
                begins_at = Some(position);
                break;
            }
            remaining -= 1;
            claims.push(self.take(request, endpoint_key, position, row)?);
        }
        self.shared
            .lock()
            .endpoint_queues
            .begins_at(endpoint_key, begins_at);
        Ok(())
    }

    /// Returns the key of the requested endpoint and the start of its queue, if a delivery is due.
    fn endpoint_key(&self, request: &ClaimRequest) -> Option<(i64, QueuePosition)> {
        let queue = self.shared.lock();
        let endpoint_key = queue
            .endpoint_queues
            .key(&request.tenant, &request.endpoint)?;
        let first = queue
            .endpoint_queues
            .first(endpoint_key)
            .filter(|first| first.at <= self.now)?;
        (request.limit > 0).then_some((endpoint_key, first))
    }

    fn take(
        &self,
        request: &ClaimRequest,
        endpoint_key: i64,
        position: QueuePosition,
        row: &Row<'_>,
    ) -> FaultResult<Claim> {
        let claim = Claim {
            tenant: request.tenant.clone(),
            id: read_delivery_id(row.get_ref(2)?)?,
            endpoint: request.endpoint.clone(),
            event: EventId::parse(row.get_ref(5)?.as_str().map_err(rusqlite::Error::from)?)?,
            body: Bytes::copy_from_slice(row.get_ref(6)?.as_blob().map_err(rusqlite::Error::from)?),
            attempts_made: row.get(3)?,
            due: millis(position.at),
            fence: self.fence,
        };
        let ordering_group: Option<Arc<str>> = row.get(4)?;
        let flight = Flight {
            seq: position.seq,
            endpoint_key,
            lease: self.lease,
            owner: self.owner.clone(),
            fence: self.fence,
            at: position.at,
            ordering_group,
            is_erased: false,
        };
        self.shared
            .lock()
            .in_flight
            .insert((claim.tenant.clone(), claim.id.clone()), flight);
        Ok(claim)
    }
}

/// Looks up the next due time after `now` of endpoints that have due deliveries.
pub(super) fn look_ahead(
    sql: &Connection,
    shared: &Shared,
    endpoint_keys: &[i64],
    now: Millis,
) -> FaultResult<()> {
    let now = now.as_i64();
    for endpoint_key in endpoint_keys {
        let in_flight = |seq| shared.lock().in_flight.has(seq);
        let later = lookup::first(sql, *endpoint_key, now.saturating_add(1), in_flight)?;
        shared.lock().endpoint_queues.later_than(
            *endpoint_key,
            now,
            later.map(|position| position.at),
        );
    }
    Ok(())
}
