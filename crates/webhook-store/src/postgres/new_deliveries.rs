//! The deliveries of planned events: their first states, and their rows.

use std::collections::{BTreeSet, HashMap};

use tokio_postgres::types::ToSql;
use uuid::Uuid;
use webhook_model::{DeliveryId, Millis};

use super::fault::{Fault, FaultResult};
use super::ordering::Group;
use super::outcome_counts::DeadCounts;
use super::row::{DELETED, new_digest, ordering_group, state};
use super::session::{Query, query};
use crate::{InitialState, NewDelivery, PlannedEvent};

const DELIVERIES: &str = "INSERT INTO deliveries
        (event, endpoint, tenant, id, state, at, created_at, owner, fence, ordering_group, reason)
    SELECT n.event, n.endpoint, $8, n.id, n.state, n.at, $9,
        CASE WHEN n.state = 2 THEN $10::int END, CASE WHEN n.state = 2 THEN $11::bigint END,
        n.ordering_group, n.reason
    FROM unnest($1::bigint[], $2::int[], $3::uuid[], $4::smallint[], $5::bigint[], $6::uuid[],
        $7::bytea[]) n (event, endpoint, id, state, at, ordering_group, reason)";

const BODIES: &str = "INSERT INTO bodies (event, endpoint, body)
    SELECT * FROM unnest($1::bigint[], $2::int[], $3::bytea[])";

const BARE: &str = "INSERT INTO bare_events (event, since)
    SELECT n.event, $2 FROM unnest($1::bigint[]) n (event)";

/// The result of a lookup of an endpoint.
#[derive(Clone, Copy)]
pub(super) struct FoundEndpoint {
    pub key: i32,
    pub exists: bool,
}

/// The properties that all deliveries of a plan share.
pub(super) struct PlanContext {
    pub tenant: i32,
    /// The key of the owner's lease.
    pub owner: Option<i32>,
    pub fence: i64,
    pub now: Millis,
    pub endpoints: HashMap<String, FoundEndpoint>,
    /// The ordering groups with a delivery that is due or in flight, in the store or in this plan.
    pub busy: BTreeSet<Group>,
}

/// The rows of new deliveries, by columns.
#[derive(Default)]
pub(super) struct NewRows<'a> {
    events: Vec<i64>,
    endpoints: Vec<i32>,
    ids: Vec<Uuid>,
    states: Vec<i16>,
    times: Vec<i64>,
    ordering_groups: Vec<Option<Uuid>>,
    reasons: Vec<Option<&'a [u8]>>,
    body_events: Vec<i64>,
    body_endpoints: Vec<i32>,
    bodies: Vec<&'a [u8]>,
    bare: Vec<i64>,
    /// The deliveries that start as dead letters.
    pub counts: DeadCounts,
    /// True if a delivery is due.
    pub any_due: bool,
}

impl<'a> NewRows<'a> {
    /// Adds the deliveries of an event with this key. Returns those that are in flight.
    pub fn add(
        &mut self,
        circumstances: &mut PlanContext,
        key: i64,
        planned: &'a PlannedEvent,
    ) -> FaultResult<Vec<DeliveryId>> {
        let mut claimed = Vec::new();
        let ordering_key = planned.event.ordering_key.as_deref();
        for delivery in &planned.deliveries {
            let group = delivery.ordered.then(|| ordering_group(ordering_key));
            if self.delivery(circumstances, key, delivery, group)? == state::IN_FLIGHT {
                claimed.push(delivery.id.clone());
            }
        }
        if planned.deliveries.is_empty() {
            self.bare.push(key);
        }
        Ok(claimed)
    }

    /// Adds a delivery. Returns its state.
    fn delivery(
        &mut self,
        circumstances: &mut PlanContext,
        event: i64,
        new: &'a NewDelivery,
        group: Option<Uuid>,
    ) -> FaultResult<i16> {
        let found = circumstances.endpoints.get(new.endpoint.as_str());
        let missing = || Fault::Unreadable(format!("endpoint `{}` is missing", new.endpoint));
        let endpoint = *found.ok_or_else(missing)?;
        let now = circumstances.now.as_i64();
        let (mut state, at, reason) = match &new.start {
            InitialState::Dead(reason) => (state::DEAD, now, Some(reason.as_bytes())),
            _ if !endpoint.exists => (state::DEAD, now, Some(DELETED.as_bytes())),
            InitialState::Due(at) => (state::DUE, at.as_i64(), None),
            InitialState::Claimed => (state::IN_FLIGHT, now, None),
        };
        if let (true, Some(group)) = (reason.is_none(), group)
            && !circumstances.busy.insert((endpoint.key, group))
        {
            state = state::WAITING;
        }
        self.any_due |= state == state::DUE;
        if state == state::DEAD {
            self.counts.add(endpoint.key, circumstances.tenant);
        }
        self.events.push(event);
        self.endpoints.push(endpoint.key);
        self.ids.push(new_digest(&new.id)?);
        self.states.push(state);
        self.times.push(at);
        self.ordering_groups.push(group);
        self.reasons.push(reason);
        if let Some(body) = &new.body {
            self.body_events.push(event);
            self.body_endpoints.push(endpoint.key);
            self.bodies.push(body);
        }
        Ok(state)
    }

    /// Returns the parameters of the statements that insert the rows.
    pub fn params<'p>(&'p self, circumstances: &'p PlanContext, now: &'p i64) -> NewParams<'p> {
        NewParams {
            deliveries: [
                &self.events,
                &self.endpoints,
                &self.ids,
                &self.states,
                &self.times,
                &self.ordering_groups,
                &self.reasons,
                &circumstances.tenant,
                now,
                &circumstances.owner,
                &circumstances.fence,
            ],
            bodies: [&self.body_events, &self.body_endpoints, &self.bodies],
            bare: [&self.bare, now],
            has_deliveries: !self.events.is_empty(),
            has_bodies: !self.bodies.is_empty(),
            has_bare: !self.bare.is_empty(),
        }
    }
}

/// The parameters of the statements that insert new rows.
pub(super) struct NewParams<'p> {
    deliveries: [&'p (dyn ToSql + Sync); 11],
    bodies: [&'p (dyn ToSql + Sync); 3],
    bare: [&'p (dyn ToSql + Sync); 2],
    has_deliveries: bool,
    has_bodies: bool,
    has_bare: bool,
}

impl NewParams<'_> {
    /// Returns the statements that insert the rows.
    pub fn queries(&self) -> Vec<Query<'_>> {
        let all = [
            (self.has_deliveries, query(DELIVERIES, &self.deliveries)),
            (self.has_bodies, query(BODIES, &self.bodies)),
            (self.has_bare, query(BARE, &self.bare)),
        ];
        let needed = all.into_iter().filter(|(needed, _)| *needed);
        needed.map(|(_, query)| query).collect()
    }
}
