//! The first delivery of each endpoint's queue, and its due time.

use std::collections::{BTreeSet, HashMap};

use webhook_model::{EndpointId, Millis, TenantId};

use crate::DueEndpoint;
use crate::sqlite::row::millis;

/// A position in an endpoint's queue: by due time, then in the order of planning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sqlite) struct QueuePosition {
    pub at: i64,
    pub seq: i64,
}

/// An endpoint's queue.
struct EndpointQueue {
    tenant: TenantId,
    endpoint: EndpointId,
    enabled: bool,
    /// The first delivery that can be claimed, now or once it is due.
    first: Option<QueuePosition>,
    /// The first due time after `later_than`, which is looked up on demand.
    later: Option<i64>,
    later_than: i64,
}

/// The endpoints with due deliveries, and the next due time.
pub(in crate::sqlite) type Due = (Vec<DueEndpoint>, Option<Millis>);

#[derive(Default)]
pub(in crate::sqlite) struct EndpointQueues {
    by_key: HashMap<i64, EndpointQueue>,
    endpoint_keys: HashMap<TenantId, HashMap<EndpointId, i64>>,
    /// Enabled queues that have a first delivery, by its due time.
    ready: BTreeSet<(i64, i64)>,
}

impl EndpointQueues {
    pub fn key(&self, tenant: &TenantId, endpoint: &EndpointId) -> Option<i64> {
        self.endpoint_keys.get(tenant)?.get(endpoint).copied()
    }

    /// Returns the first position of an enabled queue.
    pub fn first(&self, endpoint_key: i64) -> Option<QueuePosition> {
        let queue = self.by_key.get(&endpoint_key)?;
        queue.first.filter(|_| queue.enabled)
    }

    /// Adds a queue that begins at `first`. An existing one keeps its first position.
    pub fn put(
        &mut self,
        endpoint_key: i64,
        tenant: TenantId,
        endpoint: EndpointId,
        enabled: bool,
        first: Option<QueuePosition>,
    ) {
        self.endpoint_keys
            .entry(tenant.clone())
            .or_default()
            .insert(endpoint.clone(), endpoint_key);
        let new = EndpointQueue {
            tenant,
            endpoint,
            enabled: false,
            first: None,
            later: None,
            later_than: i64::MAX,
        };
        let known = self.by_key.contains_key(&endpoint_key);
        self.by_key.entry(endpoint_key).or_insert(new);
        // `change` updates `ready` for existing queues only, so a new one is inserted disabled first.
        self.change(endpoint_key, |queue| {
            queue.enabled = enabled;
            if !known {
                queue.first = first;
            }
        });
    }

    pub fn remove(&mut self, endpoint_key: i64) {
        self.change(endpoint_key, |queue| queue.first = None);
        let Some(queue) = self.by_key.remove(&endpoint_key) else {
            return;
        };
        if let Some(endpoint_keys) = self.endpoint_keys.get_mut(&queue.tenant) {
            endpoint_keys.remove(&queue.endpoint);
        }
    }

    pub fn remove_tenant(&mut self, tenant: &TenantId) {
        let endpoint_keys = self.endpoint_keys.remove(tenant).unwrap_or_default();
        for endpoint_key in endpoint_keys.into_values() {
            self.remove(endpoint_key);
        }
    }

    /// Adds a delivery that can be claimed, now or once it is due.
    pub fn arrived(&mut self, endpoint_key: i64, position: QueuePosition) {
        self.change(endpoint_key, |queue| {
            queue.first = Some(queue.first.map_or(position, |first| first.min(position)));
            if position.at > queue.later_than {
                queue.later = Some(
                    queue
                        .later
                        .map_or(position.at, |later| later.min(position.at)),
                );
            }
        });
    }

    /// Sets the first position, after all deliveries before it were claimed.
    pub fn begins_at(&mut self, endpoint_key: i64, first: Option<QueuePosition>) {
        self.change(endpoint_key, |queue| queue.first = first);
    }

    /// Sets the next due time after `than`, as it was looked up.
    pub fn later_than(&mut self, endpoint_key: i64, than: i64, later: Option<i64>) {
        self.change(endpoint_key, |queue| {
            (queue.later_than, queue.later) = (than, later)
        });
    }

    /// Returns the endpoints that are due at `now`, or the keys of those whose next due time must be
    /// looked up first.
    pub fn due(&self, now: Millis) -> Result<Due, Vec<i64>> {
        let now = now.as_i64();
        let due = || {
            self.ready
                .range(..=(now, i64::MAX))
                .map(|(_, endpoint_key)| *endpoint_key)
        };
        let queues = || {
            due().filter_map(|endpoint_key| Some((endpoint_key, self.by_key.get(&endpoint_key)?)))
        };
        let unknown: Vec<i64> = queues()
            .filter(|(_, queue)| queue.later_than > now || queue.later.is_some_and(|at| at <= now))
            .map(|(endpoint_key, _)| endpoint_key)
            .collect();
        if !unknown.is_empty() {
            return Err(unknown);
        }
        let waiting = self
            .ready
            .range((now + 1, i64::MIN)..)
            .next()
            .map(|(at, _)| *at);
        let later = queues()
            .filter_map(|(_, queue)| queue.later)
            .chain(waiting)
            .min();
        Ok((
            queues()
                .filter_map(|(_, queue)| queue.to_due_endpoint())
                .collect(),
            later.map(millis),
        ))
    }

    /// Returns the moment at which the delivery that is due longest became due.
    pub fn oldest_due(&self, now: Millis) -> Option<Millis> {
        let (at, _) = self.ready.first()?;
        (*at <= now.as_i64()).then(|| millis(*at))
    }

    /// Changes a queue, and updates `ready` accordingly.
    fn change(&mut self, endpoint_key: i64, change: impl FnOnce(&mut EndpointQueue)) {
        let Some(queue) = self.by_key.get_mut(&endpoint_key) else {
            return;
        };
        let before = queue.ready_at();
        change(queue);
        let after = queue.ready_at();
        if before != after {
            before.map(|at| self.ready.remove(&(at, endpoint_key)));
            after.map(|at| self.ready.insert((at, endpoint_key)));
        }
    }
}

impl EndpointQueue {
    fn ready_at(&self) -> Option<i64> {
        self.first.filter(|_| self.enabled).map(|first| first.at)
    }

    fn to_due_endpoint(&self) -> Option<DueEndpoint> {
        Some(DueEndpoint {
            tenant: self.tenant.clone(),
            endpoint: self.endpoint.clone(),
            at: millis(self.first?.at),
        })
    }
}
