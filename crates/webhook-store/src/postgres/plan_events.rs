//! The first half of a plan: locks, lookups, and the events.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use tokio_postgres::Row;
use uuid::Uuid;
use webhook_model::{Millis, Owner};

use super::accept::EventColumns;
use super::fault::FaultResult;
use super::new_deliveries::{FoundEndpoint, PlanContext};
use super::ordering::busy_groups;
use super::row::{claim_number, column, ordering_group};
use super::session::{Params, Session, query};
use crate::{InitialState, PlanBatch, PlannedEvent, StoreError};

/// Locks the tenant against changes of its endpoints. Plans without ordered deliveries share it.
const LOCK_SHARED: &str = "SELECT key, version FROM tenants WHERE id = $1 FOR SHARE";

/// Locks the tenant for a plan that reads ordering groups or accepted events.
const LOCK: &str = "SELECT key, version FROM tenants WHERE id = $1 FOR NO KEY UPDATE";

/// Locks the lease of the owner against its end.
const OWNER: &str = "SELECT key FROM owners WHERE incarnation = $1 FOR KEY SHARE";

const ENDPOINTS: &str = "SELECT p.id, p.key, p.definition IS NOT NULL
    FROM tenants t JOIN endpoints p ON p.tenant = t.key WHERE t.id = $1 AND p.id = ANY($2)";

const BUSY: &str = "SELECT p.key, g.ordering_group
    FROM tenants t
    CROSS JOIN unnest($2::text[], $3::uuid[]) g (endpoint, ordering_group)
    CROSS JOIN LATERAL (
        SELECT p.key FROM endpoints p WHERE p.tenant = t.key AND p.id = g.endpoint OFFSET 0
    ) p
    WHERE t.id = $1 AND EXISTS (
        SELECT FROM deliveries f
        WHERE f.endpoint = p.key AND f.ordering_group = g.ordering_group AND f.state IN (0, 2)
        OFFSET 0
    )";

const BACKLOG: &str = "SELECT FROM tenants t JOIN accepted a ON a.tenant = t.key
    WHERE t.id = $1 LIMIT 1";

/// Keeps events, if the version is right and no accepted event waits.
const INSERT: &str =
    "INSERT INTO events (tenant, id, kind, at, kept_at, ordering_key, data, source)
    SELECT t.key, n.id, n.kind, n.at, $7, n.ordering_key, n.data, n.source
    FROM tenants t,
        unnest($2::text[], $3::text[], $4::bigint[], $5::bytea[], $6::bytea[],
                $9::text[]) WITH ORDINALITY n (id, kind, at, ordering_key, data, source, number)
    WHERE t.id = $1 AND t.version = $8
        AND NOT EXISTS (SELECT FROM accepted a WHERE a.tenant = t.key)
    ORDER BY n.number
    ON CONFLICT (tenant, id) DO NOTHING
    RETURNING id, key";

/// Selects the oldest accepted events.
const ACCEPTED: &str = "SELECT e.id, a.event
    FROM tenants t JOIN accepted a ON a.tenant = t.key JOIN events e ON e.key = a.event
    WHERE t.id = $1 AND t.version = $2 ORDER BY a.event LIMIT $3";

/// Names endpoints that do not exist, for dead deliveries to refer to.
const NAME_ENDPOINTS: &str = "INSERT INTO endpoints (tenant, id, version, enabled, deleted_at)
    SELECT $1, n.id, 0, false, $3 FROM unnest($2::text[]) n (id)
    ON CONFLICT (tenant, id) DO UPDATE SET version = endpoints.version
    RETURNING id, key, definition IS NOT NULL";

/// A plan of events of one tenant.
pub(super) struct PlanCall<'a> {
    pub owner: &'a Owner,
    pub batch: &'a PlanBatch,
    pub events: Vec<&'a PlannedEvent>,
    pub accepted: bool,
    pub now: Millis,
    claims: bool,
    endpoints: Vec<&'a str>,
    /// The ordering groups of the deliveries.
    groups: (Vec<&'a str>, Vec<Uuid>),
}

/// The state of a plan after its first statements.
pub(super) enum Start {
    Stale,
    Backlog,
    Started(Started),
}

/// A plan in progress.
pub(super) struct Started {
    pub circumstances: PlanContext,
    /// The keys of the events to plan, by id.
    keys: HashMap<String, i64>,
}

impl Started {
    /// Takes the key of an event. Returns `None` if it is not to be planned, or was taken before.
    pub fn take_key(&mut self, id: &str) -> Option<i64> {
        self.keys.remove(id)
    }
}

impl<'a> PlanCall<'a> {
    pub fn new(
        owner: &'a Owner,
        batch: &'a PlanBatch,
        events: Vec<&'a PlannedEvent>,
        now: Millis,
    ) -> Self {
        let mut endpoints = BTreeSet::new();
        let mut groups = BTreeSet::new();
        let mut claims = false;
        for event in &events {
            for delivery in &event.deliveries {
                endpoints.insert(delivery.endpoint.as_str());
                claims |= delivery.start == InitialState::Claimed;
                if delivery.ordered {
                    let group = ordering_group(event.event.ordering_key.as_deref());
                    groups.insert((delivery.endpoint.as_str(), group));
                }
            }
        }
        Self {
            owner,
            batch,
            events,
            accepted: batch.accepted,
            now,
            claims,
            endpoints: endpoints.into_iter().collect(),
            groups: groups.into_iter().unzip(),
        }
    }

    /// Begins the transaction, and keeps the events.
    pub async fn start(&self, session: &Session) -> FaultResult<Start> {
        let tenant = self.batch.tenant.as_str();
        let version = i64::try_from(self.batch.version).unwrap_or(i64::MAX);
        let columns = EventColumns::of(self.events.iter().map(|event| &event.event));
        let (count, now) = (self.events.len() as i64, self.now.as_i64());
        let exclusive = self.accepted || !self.groups.0.is_empty();
        let accepted: Params<'_> = &[&tenant, &version, &count];
        let new: Params<'_> = &[
            &tenant,
            &columns.ids,
            &columns.kinds,
            &columns.times,
            &columns.ordering_keys,
            &columns.data,
            &now,
            &version,
            &columns.sources,
        ];
        let keep = if self.accepted {
            query(ACCEPTED, accepted)
        } else {
            query(INSERT, new)
        };
        let of_tenant: Params<'_> = &[&tenant];
        let of_owner: Params<'_> = &[&self.owner.incarnation];
        let of_endpoints: Params<'_> = &[&tenant, &self.endpoints];
        let of_groups: Params<'_> = &[&tenant, &self.groups.0, &self.groups.1];
        let mut first = vec![
            query(if exclusive { LOCK } else { LOCK_SHARED }, of_tenant),
            query(ENDPOINTS, of_endpoints),
            query(BACKLOG, of_tenant),
            keep,
        ];
        if self.claims {
            first.push(query(OWNER, of_owner));
        }
        if !self.groups.0.is_empty() {
            first.push(query(BUSY, of_groups));
        }
        let rows = session.begin(&first).await?;
        self.started(session, &rows).await
    }

    async fn started(&self, session: &Session, rows: &[Vec<Row>]) -> FaultResult<Start> {
        let [tenants, endpoints, backlog, kept, others @ ..] = rows else {
            return Ok(Start::Stale);
        };
        let mut others = others.iter();
        let owners = others.next().filter(|_| self.claims);
        let busy = if self.claims {
            others.next()
        } else {
            rows.get(4)
        };
        let tenant = tenants.first();
        let tenant = tenant.ok_or_else(|| StoreError::UnknownTenant(self.batch.tenant.clone()))?;
        if column::<i64>(tenant, 1)?.unsigned_abs() != self.batch.version {
            return Ok(Start::Stale);
        }
        if !self.accepted && !backlog.is_empty() {
            return Ok(Start::Backlog);
        }
        let owner = owners.and_then(|rows| rows.first());
        let owner = owner.map(|row| column(row, 0)).transpose()?;
        if self.claims && owner.is_none() {
            return Err(StoreError::LeaseLost(self.owner.name.clone()).into());
        }
        let mut circumstances = PlanContext {
            tenant: column(tenant, 0)?,
            owner,
            fence: claim_number(self.batch.fence),
            now: self.now,
            endpoints: found_endpoints(endpoints)?,
            busy: busy_groups(busy.map_or(&[], Vec::as_slice))?,
        };
        self.name_missing(session, &mut circumstances).await?;
        let keys = self.keys(kept)?;
        Ok(Start::Started(Started {
            circumstances,
            keys,
        }))
    }

    /// Returns the keys of the events to plan. Of accepted events, those that come first.
    fn keys(&self, kept: &[Row]) -> FaultResult<HashMap<String, i64>> {
        let mut keys = HashMap::with_capacity(kept.len());
        let mut events = self.events.iter();
        for row in kept {
            let (id, key): (String, i64) = (column(row, 0)?, column(row, 1)?);
            if self.accepted && !events.any(|event| event.event.id.as_str() == id) {
                break;
            }
            keys.insert(id, key);
        }
        Ok(keys)
    }

    async fn name_missing(
        &self,
        session: &Session,
        circumstances: &mut PlanContext,
    ) -> FaultResult<()> {
        let found = &mut circumstances.endpoints;
        let missing = self.endpoints.iter().filter(|id| !found.contains_key(**id));
        let missing: Vec<&str> = missing.copied().collect();
        if missing.is_empty() {
            return Ok(());
        }
        let (tenant, now) = (circumstances.tenant, self.now.as_i64());
        let named = session
            .rows(NAME_ENDPOINTS, &[&tenant, &missing, &now])
            .await?;
        for (id, endpoint) in found_endpoints(&named)? {
            if let Entry::Vacant(entry) = found.entry(id) {
                entry.insert(endpoint);
            }
        }
        Ok(())
    }
}

fn found_endpoints(rows: &[Row]) -> FaultResult<HashMap<String, FoundEndpoint>> {
    let endpoint = |row: &Row| {
        let (key, exists) = (column(row, 1)?, column(row, 2)?);
        Ok((column(row, 0)?, FoundEndpoint { key, exists }))
    };
    rows.iter().map(endpoint).collect()
}
