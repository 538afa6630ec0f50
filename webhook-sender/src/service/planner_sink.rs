//! The sink of all sources: plans events, and keeps those that cannot be planned.

use std::sync::Arc;

use async_trait::async_trait;
use event_sources::{Sink, SinkError, SourceEntry};
use webhook_model::{Clock, Event, Rejected, TenantId};
use webhook_store::{Queue, StoreError};

use crate::deliver::Handle;
use crate::plan::{PlanError, Planner, Submitted, rejected};
use crate::registry::Registry;

/// Plans the entries of sources, and stores those that cannot be planned as rejected events.
pub struct PlannerSink {
    pub planner: Planner,
    pub store: Arc<dyn Queue>,
    pub registry: Arc<Registry>,
    pub dispatcher: Handle,
    pub clock: Clock,
}

#[async_trait]
impl Sink for PlannerSink {
    async fn capacity(&self) -> usize {
        self.dispatcher.free_permits().await
    }

    async fn take(&self, entries: Vec<SourceEntry>) -> Vec<Result<(), SinkError>> {
        let redelivered = entries.iter().any(|entry| entry.redelivered);
        let mut ids = Vec::with_capacity(entries.len());
        let mut events = Vec::with_capacity(entries.len());
        let mut rejected = Vec::new();
        for (index, entry) in entries.into_iter().enumerate() {
            match (entry.tenant, entry.content) {
                (Some(tenant), Ok(event)) => events.push((index, tenant, event)),
                (tenant, Err(entry)) => rejected.push((index, tenant, entry)),
                // The intake passes no event without a tenant.
                (None, Ok(event)) => rejected.push((
                    index,
                    None,
                    self.without_tenant(&entry.derived, None, event),
                )),
            }
            ids.push(entry.derived);
        }
        let missing = SinkError("the result is unknown".into());
        let mut results = vec![Err(missing); ids.len()];
        self.plan(&ids, events, redelivered, &mut rejected, &mut results)
            .await;
        self.reject(rejected, &mut results).await;
        results
    }
}

type Indexed = (usize, Option<TenantId>, Rejected);

impl PlannerSink {
    async fn plan(
        &self,
        ids: &[String],
        events: Vec<(usize, TenantId, Event)>,
        redelivered: bool,
        rejected: &mut Vec<Indexed>,
        results: &mut [Result<(), SinkError>],
    ) {
        let pairs: Vec<_> = events
            .iter()
            .map(|(_, tenant, event)| (tenant.clone(), event.clone()))
            .collect();
        let ended = if redelivered {
            self.planner.accept(pairs).await
        } else {
            self.planned(pairs).await
        };
        for ((index, tenant, event), ended) in events.into_iter().zip(ended) {
            match ended {
                Ok(_) => results[index] = Ok(()),
                Err(PlanError::UnknownTenant(_)) => {
                    let id = ids.get(index).map_or("", String::as_str);
                    rejected.push((index, None, self.without_tenant(id, Some(&tenant), event)));
                }
                Err(error @ PlanError::ConflictingId(_)) => {
                    let id = ids.get(index).map_or("", String::as_str);
                    let entry = self.conflicting(id, &tenant, event, error.to_string());
                    rejected.push((index, Some(tenant), entry));
                }
                Err(error) => results[index] = Err(SinkError(error.to_string())),
            }
        }
    }

    /// Plans events. Events whose planning panicked are accepted instead, so that their tries are
    /// counted; in one call, which keeps the order of each tenant's events.
    async fn planned(&self, pairs: Vec<(TenantId, Event)>) -> Vec<Result<Submitted, PlanError>> {
        let mut ended = self.planner.plan(pairs.clone()).await;
        let interrupted = |ended: &Result<_, _>| matches!(ended, Err(PlanError::Interrupted));
        let hit: Vec<usize> = (0..ended.len())
            .filter(|at| interrupted(&ended[*at]))
            .collect();
        let again = hit.iter().map(|at| pairs[*at].clone()).collect();
        for (at, accepted) in hit.iter().zip(self.planner.accept(again).await) {
            ended[*at] = accepted;
        }
        ended
    }

    async fn reject(&self, rejected: Vec<Indexed>, results: &mut [Result<(), SinkError>]) {
        if rejected.is_empty() {
            return;
        }
        match self.keep(&rejected).await {
            Ok(()) => {
                for (index, _, entry) in &rejected {
                    results[*index] = Ok(());
                    let (id, code, reason) = (&entry.id, &entry.code, &entry.reason);
                    tracing::warn!(entry = id, code, reason, "event rejected");
                }
            }
            Err(error) => {
                for (index, _, _) in &rejected {
                    results[*index] = Err(SinkError(error.to_string()));
                }
            }
        }
    }

    async fn keep(&self, rejected: &[Indexed]) -> Result<(), StoreError> {
        let mut all = Vec::with_capacity(rejected.len());
        for (_, tenant, entry) in rejected {
            let mut entry = entry.clone();
            // Rejected events are assigned to tenants that exist only.
            if let Some(tenant) = tenant
                && self.registry.tenant(tenant).await?.is_some()
            {
                entry.tenant = Some(tenant.clone());
            }
            all.push(entry);
        }
        self.store.reject(&all).await?;
        all.iter()
            .for_each(|entry| self.planner.publish_rejected(entry));
        Ok(())
    }

    fn conflicting(&self, id: &str, tenant: &TenantId, event: Event, reason: String) -> Rejected {
        rejected(
            id.to_owned(),
            Some(tenant),
            &event,
            ("conflicting-id", reason),
            self.clock.now(),
        )
    }

    fn without_tenant(&self, id: &str, tenant: Option<&TenantId>, event: Event) -> Rejected {
        let why = match tenant {
            Some(tenant) => ("unknown-tenant", format!("tenant `{tenant}` is unknown")),
            None => ("no-tenant", "the event names no tenant".into()),
        };
        rejected(id.to_owned(), tenant, &event, why, self.clock.now())
    }
}
