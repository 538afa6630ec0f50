//! Returns claims of owners without a lease, and completes what a killed process left unfinished.

use std::sync::atomic::Ordering;

use tokio_postgres::Row;
use webhook_model::{DeliveryId, Millis, Owner, TenantId};

use super::PostgresStore;
use super::fault::FaultResult;
use super::ordering::EndedGroups;
use super::outcome_counts::DeadCounts;
use super::row::{DELETED, DeliveryKey, claim_number, column, delivery_id, state};
use super::session::{Params, Session, query};
use super::store::{AT_A_TIME, call};
use crate::Result;
use crate::erasure::ERASED;

/// Ends leases. It waits for claims of their owners that are being written, and sees them afterwards.
const EXPIRE: &str =
    "DELETE FROM owners WHERE until <= $2 AND incarnation <> $1 RETURNING incarnation";

const ORPHANS: &str = "SELECT d.event, d.endpoint, d.fence, d.id
    FROM tenants t CROSS JOIN LATERAL (
        SELECT d.event, d.endpoint, d.fence, d.id FROM deliveries d
        WHERE d.tenant = t.key AND d.state = 2
            AND NOT EXISTS (SELECT FROM owners o WHERE o.key = d.owner)
        LIMIT $1
    ) d LIMIT $1";

const IN_FLIGHT: &str = "SELECT d.event, d.endpoint, d.fence, d.id
    FROM tenants t CROSS JOIN owners o JOIN deliveries d ON d.tenant = t.key AND d.owner = o.key
    WHERE t.id = $1 AND o.incarnation = $2 AND d.state = 2";

/// Ends claims. They were due when they were made: a later due time comes from a clock that was ahead.
const RETURN: &str = "UPDATE deliveries d SET
        state = CASE WHEN p.definition IS NULL OR d.erased THEN 4 ELSE 0 END,
        at = CASE WHEN p.definition IS NULL OR d.erased THEN $4 ELSE least(d.at, $4) END,
        reason = CASE WHEN d.erased THEN $6::bytea WHEN p.definition IS NULL THEN $5::bytea END,
        owner = NULL, fence = NULL
    FROM unnest($1::bigint[], $2::int[], $3::bigint[]) c (event, endpoint, fence)
    JOIN endpoints p ON p.key = c.endpoint
    WHERE d.event = c.event AND d.endpoint = c.endpoint AND d.fence = c.fence AND d.state + 0 = 2
    RETURNING d.state, d.tenant, d.endpoint, d.ordering_group";

/// A delivery in flight.
struct FoundClaim {
    key: DeliveryKey,
    fence: i64,
    id: DeliveryId,
}

fn found(rows: &[Row]) -> FaultResult<Vec<FoundClaim>> {
    let claim = |row: &Row| {
        Ok(FoundClaim {
            key: DeliveryKey {
                event: column(row, 0)?,
                endpoint: column(row, 1)?,
            },
            fence: column(row, 2)?,
            id: delivery_id(column(row, 3)?)?,
        })
    };
    rows.iter().map(claim).collect()
}

impl PostgresStore {
    pub(super) async fn recover_all(&self, owner: &Owner, now: Millis) -> Result<u64> {
        let ended = call!(self, session => {
            session.rows(EXPIRE, &[&owner.incarnation, &now.as_i64()]).await
        })?;
        for row in &ended {
            let incarnation = column::<&str>(row, 0).map_err(|fault| self.failed(fault))?;
            self.in_flight.remove_owner(incarnation);
        }
        self.finish_deletions(now).await?;
        if ended.is_empty() && !self.orphans.load(Ordering::SeqCst) {
            return Ok(0);
        }
        self.return_orphans(now).await
    }

    /// Makes deliveries in flight under owners without a lease due again. Returns their number.
    pub(super) async fn return_orphans(&self, now: Millis) -> Result<u64> {
        // Until it has succeeded: an owner whose lease was deleted is not found again.
        self.orphans.store(true, Ordering::SeqCst);
        let mut count = 0;
        loop {
            let claims = call!(self, session => {
                session.rows(ORPHANS, &[&AT_A_TIME]).await.and_then(|rows| found(&rows))
            })?;
            if claims.is_empty() {
                self.orphans.store(false, Ordering::SeqCst);
                return Ok(count);
            }
            count += self.give_back(&claims, now).await?;
        }
    }

    /// Returns claims of `owner` that no caller received to the queue: see `in_flight`.
    pub(super) async fn return_lost_claims(&self, owner: &Owner, now: Millis) -> Result<()> {
        let incarnation = &owner.incarnation;
        if self.in_flight.uncertain(incarnation).is_empty() {
            return Ok(());
        }
        let _blocked = self.in_flight.block_calls().await;
        for tenant in self.in_flight.uncertain(incarnation) {
            let claims = self.lost_claims(incarnation, &tenant).await?;
            for some in claims.chunks(AT_A_TIME as usize) {
                self.give_back(some, now).await?;
            }
            self.in_flight.resolved(incarnation, &tenant);
        }
        Ok(())
    }

    async fn lost_claims(&self, incarnation: &str, tenant: &TenantId) -> Result<Vec<FoundClaim>> {
        let mut claims = call!(self, session => {
            let rows = session.rows(IN_FLIGHT, &[&tenant.as_str(), &incarnation]).await;
            rows.and_then(|rows| found(&rows))
        })?;
        let ids = claims.iter().map(|claim| claim.id.to_string()).collect();
        let mut known = self.in_flight.claims(incarnation, tenant, ids).into_iter();
        claims.retain(|claim| {
            let handed_out = known.next().and_then(|(_, fence)| fence);
            handed_out.map(claim_number) != Some(claim.fence)
        });
        Ok(claims)
    }

    /// Makes these deliveries due again, if they are still in flight under these claims. Returns their
    /// number.
    async fn give_back(&self, claims: &[FoundClaim], now: Millis) -> Result<u64> {
        let count = call!(self, session => return_claims(&session, claims, now).await)?;
        if count > 0 {
            self.wakes.notify_one();
            self.listener.announce();
        }
        Ok(count)
    }
}

async fn return_claims(session: &Session, claims: &[FoundClaim], now: Millis) -> FaultResult<u64> {
    let events: Vec<i64> = claims.iter().map(|claim| claim.key.event).collect();
    let endpoints: Vec<i32> = claims.iter().map(|claim| claim.key.endpoint).collect();
    let fences: Vec<i64> = claims.iter().map(|claim| claim.fence).collect();
    let (now_ms, deleted, erased) = (now.as_i64(), DELETED.as_bytes(), ERASED.as_bytes());
    let params: Params<'_> = &[&events, &endpoints, &fences, &now_ms, &deleted, &erased];
    let mut returned = session.begin(&[query(RETURN, params)]).await?;
    let returned = returned.pop().unwrap_or_default();
    let (mut ended, mut counts) = (EndedGroups::default(), DeadCounts::default());
    for row in &returned {
        let (tenant, endpoint): (i32, i32) = (column(row, 1)?, column(row, 2)?);
        let is_dead = column::<i16>(row, 0)? == state::DEAD;
        if is_dead {
            counts.add(endpoint, tenant);
        }
        if let (true, Some(group)) = (is_dead, column(row, 3)?) {
            ended.add(tenant, (endpoint, group));
        }
    }
    ended.commit(session, &[], counts, now).await?;
    Ok(returned.len() as u64)
}
