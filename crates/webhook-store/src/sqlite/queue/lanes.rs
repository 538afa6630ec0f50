//! Where each endpoint's queue begins.

use std::collections::{BTreeSet, HashMap};

use webhook_model::{EndpointId, Millis, TenantId};

use crate::DueEndpoint;
use crate::sqlite::row::millis;

/// A place in an endpoint's queue: when it is due, then in the order of planning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sqlite) struct Place {
    pub at: i64,
    pub seq: i64,
}

/// An endpoint's queue.
struct Lane {
    tenant: TenantId,
    endpoint: EndpointId,
    enabled: bool,
    /// The first delivery that can be claimed, now or once it is due. Nothing before it can.
    first: Option<Place>,
    /// The first moment after `later_than` at which one is due: looked up when it is asked for.
    later: Option<i64>,
    later_than: i64,
}

/// When something is due.
pub(in crate::sqlite) type Due = (Vec<DueEndpoint>, Option<Millis>);

#[derive(Default)]
pub(in crate::sqlite) struct Lanes {
    by_key: HashMap<i64, Lane>,
    keys: HashMap<TenantId, HashMap<EndpointId, i64>>,
    /// Enabled lanes that have a first, by its moment.
    ready: BTreeSet<(i64, i64)>,
}

impl Lanes {
    pub fn key(&self, tenant: &TenantId, endpoint: &EndpointId) -> Option<i64> {
        self.keys.get(tenant)?.get(endpoint).copied()
    }

    /// The first of an enabled lane.
    pub fn first(&self, key: i64) -> Option<Place> {
        let lane = self.by_key.get(&key)?;
        lane.first.filter(|_| lane.enabled)
    }

    /// A new lane that begins at `first`; or one that is there, which keeps its queue.
    pub fn put(
        &mut self,
        key: i64,
        tenant: TenantId,
        endpoint: EndpointId,
        enabled: bool,
        first: Option<Place>,
    ) {
        self.keys
            .entry(tenant.clone())
            .or_default()
            .insert(endpoint.clone(), key);
        let new = Lane {
            tenant,
            endpoint,
            enabled: false,
            first: None,
            later: None,
            later_than: i64::MAX,
        };
        let known = self.by_key.contains_key(&key);
        self.by_key.entry(key).or_insert(new);
        // Only what changes a lane that is there gets into `ready`.
        self.change(key, |lane| {
            lane.enabled = enabled;
            if !known {
                lane.first = first;
            }
        });
    }

    pub fn remove(&mut self, key: i64) {
        self.change(key, |lane| lane.first = None);
        let Some(lane) = self.by_key.remove(&key) else {
            return;
        };
        if let Some(keys) = self.keys.get_mut(&lane.tenant) {
            keys.remove(&lane.endpoint);
        }
    }

    pub fn remove_tenant(&mut self, tenant: &TenantId) {
        let keys = self.keys.remove(tenant).unwrap_or_default();
        for key in keys.into_values() {
            self.remove(key);
        }
    }

    /// A delivery waits to be claimed.
    pub fn arrived(&mut self, key: i64, place: Place) {
        self.change(key, |lane| {
            lane.first = Some(lane.first.map_or(place, |first| first.min(place)));
            if place.at > lane.later_than {
                lane.later = Some(lane.later.map_or(place.at, |later| later.min(place.at)));
            }
        });
    }

    /// What was before `first` has been claimed.
    pub fn begins_at(&mut self, key: i64, first: Option<Place>) {
        self.change(key, |lane| lane.first = first);
    }

    /// At `than` the next moment after that was looked up.
    pub fn later_than(&mut self, key: i64, than: i64, later: Option<i64>) {
        self.change(key, |lane| (lane.later_than, lane.later) = (than, later));
    }

    /// What is due at `now`, or the lanes whose later moments have to be looked up first.
    pub fn due(&self, now: Millis) -> Result<Due, Vec<i64>> {
        let now = now.as_i64();
        let due = || self.ready.range(..=(now, i64::MAX)).map(|(_, key)| *key);
        let lanes = || due().filter_map(|key| Some((key, self.by_key.get(&key)?)));
        let unknown: Vec<i64> = lanes()
            .filter(|(_, lane)| lane.later_than > now || lane.later.is_some_and(|at| at <= now))
            .map(|(key, _)| key)
            .collect();
        if !unknown.is_empty() {
            return Err(unknown);
        }
        let waiting = self
            .ready
            .range((now + 1, i64::MIN)..)
            .next()
            .map(|(at, _)| *at);
        let later = lanes()
            .filter_map(|(_, lane)| lane.later)
            .chain(waiting)
            .min();
        Ok((
            lanes().filter_map(|(_, lane)| lane.shown()).collect(),
            later.map(millis),
        ))
    }

    /// When the longest due delivery was due.
    pub fn oldest_due(&self, now: Millis) -> Option<Millis> {
        let (at, _) = self.ready.first()?;
        (*at <= now.as_i64()).then(|| millis(*at))
    }

    /// Changes a lane and keeps `ready` in step.
    fn change(&mut self, key: i64, change: impl FnOnce(&mut Lane)) {
        let Some(lane) = self.by_key.get_mut(&key) else {
            return;
        };
        let before = lane.ready_at();
        change(lane);
        let after = lane.ready_at();
        if before != after {
            before.map(|at| self.ready.remove(&(at, key)));
            after.map(|at| self.ready.insert((at, key)));
        }
    }
}

impl Lane {
    fn ready_at(&self) -> Option<i64> {
        self.first.filter(|_| self.enabled).map(|first| first.at)
    }

    fn shown(&self) -> Option<DueEndpoint> {
        Some(DueEndpoint {
            tenant: self.tenant.clone(),
            endpoint: self.endpoint.clone(),
            at: millis(self.first?.at),
        })
    }
}
