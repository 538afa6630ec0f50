//! Ordering groups: of each, one delivery at a time is due or in flight.
//!
//! A tenant's row is the lock under which the groups of the tenant change, apart from claims. The
//! statement after it sees all earlier changes.

use std::collections::BTreeSet;

use tokio_postgres::Row;
use uuid::Uuid;

use super::fault::FaultResult;
use super::outcome_counts::DeadCounts;
use super::row::column;
use super::session::{Params, Query, Session, query};
use webhook_model::Millis;

/// Locks tenants by their keys. Plans of events without ordered deliveries wait too.
const LOCK: &str = "SELECT key FROM tenants WHERE key = ANY($1) ORDER BY key FOR NO KEY UPDATE";

/// Makes the next delivery due of each group that has none that is due or in flight.
const PROMOTE: &str = "UPDATE deliveries d SET state = 0, at = greatest(d.at, $3)
    FROM (
        SELECT g.endpoint, n.event FROM unnest($1::int[], $2::uuid[]) g (endpoint, ordering_group)
        CROSS JOIN LATERAL (
            SELECT w.event FROM deliveries w
            WHERE w.endpoint = g.endpoint AND w.ordering_group = g.ordering_group AND w.state = 1
            ORDER BY w.event LIMIT 1
        ) n
        WHERE NOT EXISTS (
            SELECT FROM deliveries f
            WHERE f.endpoint = g.endpoint AND f.ordering_group = g.ordering_group
                AND f.state IN (0, 2) OFFSET 0
        )
    ) n
    WHERE d.event = n.event AND d.endpoint = n.endpoint AND d.state + 0 = 1
    RETURNING d.event";

/// Returns the groups of `$1` and `$2` that have a delivery that is due or in flight.
pub(super) const BUSY: &str = "SELECT g.endpoint, g.ordering_group
    FROM unnest($1::int[], $2::uuid[]) g (endpoint, ordering_group)
    WHERE EXISTS (
        SELECT FROM deliveries f
        WHERE f.endpoint = g.endpoint AND f.ordering_group = g.ordering_group
            AND f.state IN (0, 2) OFFSET 0
    )";

/// A group: an endpoint's key, and the digest of the ordering key.
pub(super) type Group = (i32, Uuid);

/// The groups whose first delivery has ended in a transaction, and their tenants.
#[derive(Default)]
pub(super) struct EndedGroups {
    tenants: BTreeSet<i32>,
    groups: BTreeSet<Group>,
}

impl EndedGroups {
    pub fn add(&mut self, tenant: i32, group: Group) {
        self.tenants.insert(tenant);
        self.groups.insert(group);
    }

    /// Runs the last statements of the transaction, makes the next deliveries due, adds the counts, and
    /// commits. Returns the rows of the statements.
    pub async fn commit(
        &self,
        session: &Session,
        last: &[Query<'_>],
        mut counts: DeadCounts,
        now: Millis,
    ) -> FaultResult<Vec<Vec<Row>>> {
        counts.set_minute(now);
        let no_owner = String::new();
        let params = counts.params(&no_owner);
        let counted = [query(DeadCounts::INSERT, &params)];
        let counted: &[Query<'_>] = if counts.is_empty() { &[] } else { &counted };
        if self.groups.is_empty() {
            return session.commit(&[last, counted].concat()).await;
        }
        let tenants: Vec<i32> = self.tenants.iter().copied().collect();
        let (endpoints, groups): (Vec<_>, Vec<_>) = self.groups.iter().copied().unzip();
        let now = now.as_i64();
        let promoted: Params<'_> = &[&endpoints, &groups, &now];
        let locked: Params<'_> = &[&tenants];
        let next = [query(LOCK, locked), query(PROMOTE, promoted)];
        let all = [last, &next, counted].concat();
        session.commit(&all).await
    }
}

/// Reads the rows of [`BUSY`].
pub(super) fn busy_groups(rows: &[Row]) -> FaultResult<BTreeSet<Group>> {
    let group = |row: &Row| Ok((column(row, 0)?, column(row, 1)?));
    rows.iter().map(group).collect()
}
