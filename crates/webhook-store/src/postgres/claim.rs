//! Claims due deliveries, in one statement.

use tokio_postgres::Row;
use webhook_model::{Millis, Owner};

use super::PostgresStore;
use super::fault::{Fault, FaultResult};
use super::row::{bytes, claim_number, column, delivery_id, event_id, millis};
use super::session::Session;
use super::store::call;
use crate::{Claim, ClaimRequest, Fence, Result, StoreError};

/// Claims the longest due deliveries of each endpoint. Those that another process claims at this
/// moment are skipped. The lock on the lease keeps its end from overtaking the claims.
const CLAIM: &str = "WITH own AS MATERIALIZED (
        SELECT key FROM owners WHERE incarnation = $1 FOR KEY SHARE
    ), requested AS MATERIALIZED (
        SELECT r.number, p.key, r.most
        FROM unnest($2::text[], $3::text[], $4::bigint[])
            WITH ORDINALITY r (tenant, endpoint, most, number)
        JOIN tenants t ON t.id = r.tenant
        JOIN endpoints p ON p.tenant = t.key AND p.id = r.endpoint AND p.enabled
    ), due AS MATERIALIZED (
        SELECT r.number, r.key, d.event FROM requested r
        CROSS JOIN LATERAL (
            SELECT q.event FROM deliveries q
            WHERE q.endpoint = r.key AND q.state = 0 AND q.at <= $5
            ORDER BY q.at, q.event LIMIT r.most FOR UPDATE SKIP LOCKED
        ) d
        WHERE EXISTS (SELECT FROM own)
    ), taken AS (
        UPDATE deliveries d SET state = 2, owner = own.key, fence = $6
        FROM due, own WHERE d.event = due.event AND d.endpoint = due.key
        RETURNING due.number, d.event, d.endpoint, d.id, d.at, d.attempts - d.earlier AS made
    )
    SELECT n.number, n.id, n.at, n.made, e.id, coalesce(b.body, e.data)
    FROM taken n JOIN events e ON e.key = n.event
    LEFT JOIN bodies b ON b.event = n.event AND b.endpoint = n.endpoint";

const HAS_LEASE: &str = "SELECT FROM owners WHERE incarnation = $1";

impl PostgresStore {
    pub(super) async fn claim_due(
        &self,
        owner: &Owner,
        requests: &[ClaimRequest],
        now: Millis,
    ) -> Result<Vec<Claim>> {
        self.return_lost_claims(owner, now).await?;
        let requests: Vec<_> = requests.iter().filter(|one| one.limit > 0).collect();
        let tenants = requests.iter().map(|one| one.tenant.clone()).collect();
        let tracked = self.in_flight.track(owner, tenants).await?;
        let fence = Fence::new(now);
        let mut claims = Vec::new();
        if !requests.is_empty() {
            claims = call!(self, session => claim(&session, owner, &requests, fence).await)?;
        }
        tracked.finish(fence, claims.iter().map(|claim| (&claim.tenant, &claim.id)));
        claims.sort_by_key(|claim| claim.due);
        Ok(claims)
    }
}

async fn claim(
    session: &Session,
    owner: &Owner,
    requests: &[&ClaimRequest],
    fence: Fence,
) -> FaultResult<Vec<Claim>> {
    let tenants: Vec<&str> = requests.iter().map(|one| one.tenant.as_str()).collect();
    let endpoints: Vec<&str> = requests.iter().map(|one| one.endpoint.as_str()).collect();
    let limit = |one: &&ClaimRequest| i64::try_from(one.limit).unwrap_or(i64::MAX);
    let limits: Vec<i64> = requests.iter().map(limit).collect();
    let (now, number) = (fence.at.as_i64(), claim_number(fence));
    let rows = session
        .rows(
            CLAIM,
            &[
                &owner.incarnation,
                &tenants,
                &endpoints,
                &limits,
                &now,
                &number,
            ],
        )
        .await?;
    if rows.is_empty() {
        let lease = session.rows(HAS_LEASE, &[&owner.incarnation]).await?;
        if lease.is_empty() {
            return Err(StoreError::LeaseLost(owner.name.clone()).into());
        }
    }
    rows.iter().map(|row| read(row, requests, fence)).collect()
}

fn read(row: &Row, requests: &[&ClaimRequest], fence: Fence) -> FaultResult<Claim> {
    let number = usize::try_from(column::<i64>(row, 0)? - 1).ok();
    let request = number.and_then(|number| requests.get(number));
    let request = request.ok_or_else(|| Fault::Unreadable("an unknown request".into()))?;
    Ok(Claim {
        tenant: request.tenant.clone(),
        id: delivery_id(column(row, 1)?)?,
        endpoint: request.endpoint.clone(),
        event: event_id(row, 4)?,
        body: bytes(row, 5)?,
        attempts_made: u32::try_from(column::<i32>(row, 3)?).unwrap_or(0),
        due: millis(column(row, 2)?),
        fence,
    })
}
