//! Persists the health of endpoints: failing, recovered, disabled.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;
use sha2::{Digest, Sha256};
use webhook_model::{
    AuditOutcome, Clock, Endpoint, EndpointId, Event, EventId, Millis, Source, TenantId,
};
use webhook_store::{StoreError, Tenants};

use super::HealthObserver;
use crate::audit::{AuditDetail, AuditLog, Author};
use crate::feed::{Feed, Happening};
use crate::plan::{PlanError, Planner};
use crate::registry::Registry;

/// The type of the operational event about a disabled endpoint.
const DISABLED: &str = "operational.endpoint.disabled";

/// The name of a disabling in the audit list and in streams.
const DISABLE: &str = "endpoint.disable";

/// Writes health changes to the store, publishes them to readers of the tenant, and publishes the operational
/// events about them. The audit list has the disabling of endpoints.
pub struct HealthRecorder {
    pub store: Arc<dyn Tenants>,
    pub registry: Arc<Registry>,
    pub planner: Planner,
    pub clock: Clock,
    pub audit: AuditLog,
    pub feed: Feed,
}

impl HealthRecorder {
    async fn find(
        &self,
        tenant: &TenantId,
        id: &EndpointId,
    ) -> Result<Option<Endpoint>, StoreError> {
        let stored = self.store.endpoints(tenant).await?;
        let mut endpoints = stored.into_iter().flat_map(|(_, endpoints)| endpoints);
        Ok(endpoints.find(|endpoint| endpoint.id == *id))
    }

    /// Changes an endpoint, and retries if it was changed concurrently. `change` returns false if
    /// there is nothing to change. Returns true if the endpoint was changed.
    async fn update(
        &self,
        tenant: &TenantId,
        id: &EndpointId,
        change: impl Fn(&mut Endpoint) -> bool,
    ) -> Result<bool, StoreError> {
        loop {
            let Some(mut endpoint) = self.find(tenant, id).await? else {
                return Ok(false);
            };
            if !change(&mut endpoint) {
                return Ok(false);
            }
            endpoint.updated_at = self.clock.now();
            match self
                .store
                .put_endpoint(&endpoint, Some(endpoint.version))
                .await
            {
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error),
                Ok(_) => {
                    self.registry.reload(tenant).await?;
                    return Ok(true);
                }
            }
        }
    }

    /// Passes a change to readers of the tenant.
    fn publish_change(&self, action: &'static str, tenant: &TenantId, endpoint: &EndpointId) {
        let happening = || Happening::Changed {
            action,
            target: Some(endpoint.to_string()),
        };
        self.feed.publish(tenant, self.clock.now(), happening);
    }

    /// Disables an endpoint that is as it was `before`, with an entry in the audit list.
    async fn disable(&self, before: &Endpoint, reason: &str) -> Result<(), StoreError> {
        let Endpoint { tenant, id, .. } = before;
        let author = Author::sender();
        let target = Some(id.to_string());
        let begun = self
            .audit
            .begin(&author, DISABLE, Some(tenant.clone()), target);
        let begun = begun.await?;
        let disable = |now: &mut Endpoint| {
            let is_same = now.enabled && now.url == before.url;
            if is_same {
                now.enabled = false;
                now.disabled_reason = Some(reason.into());
            }
            is_same
        };
        let disabled = self.update(tenant, id, disable).await;
        let outcome = match &disabled {
            Ok(true) => AuditOutcome::Done,
            Ok(false) => AuditOutcome::Failed("conflict".into()),
            Err(_) => AuditOutcome::Unknown,
        };
        let detail = AuditDetail::default().with("reason", reason);
        self.audit.end(begun, outcome, detail).await;
        if disabled? {
            self.publish_change(DISABLE, tenant, id);
            tracing::warn!(%tenant, endpoint = %id, reason, "endpoint disabled");
        }
        Ok(())
    }

    /// Publishes that this version of an endpoint is disabled. Repeated calls publish it once.
    async fn publish_disabled(&self, endpoint: &Endpoint, reason: &str) -> Result<(), StoreError> {
        let Endpoint { tenant, id, .. } = endpoint;
        let now = self.clock.now();
        let data = json!({ "endpoint": id, "reason": reason, "at": now.to_string() });
        let event = Event {
            id: id_of(endpoint),
            kind: DISABLED.into(),
            data: data.to_string().into(),
            at: now,
            ordering_key: None,
            source: Source::SENDER,
        };
        let error = match self.planner.submit(tenant, event).await {
            // It was published before, with the time of that call.
            Ok(_) | Err(PlanError::ConflictingId(_)) => return Ok(()),
            Err(error) => error,
        };
        tracing::error!(%tenant, endpoint = %id, %error, "operational event not published");
        match error {
            // The change is reported again, and published then.
            PlanError::Store(error) => Err(StoreError::Unavailable {
                store: "planner".into(),
                detail: error.to_string(),
            }),
            _ => Ok(()),
        }
    }
}

/// Derives the id of the event from the version of the endpoint, so that publishing it again
/// changes nothing.
fn id_of(endpoint: &Endpoint) -> EventId {
    let Endpoint {
        tenant,
        id,
        version,
        created_at,
        ..
    } = endpoint;
    let text = format!("{DISABLED}\n{tenant}\n{id}\n{version}\n{created_at}");
    let text = format!("evt_{}", hex::encode(&Sha256::digest(text)[..16]));
    // The id consists of letters, digits and an underscore.
    EventId::parse(&text).unwrap_or_else(|_| EventId::random())
}

#[async_trait]
impl HealthObserver for HealthRecorder {
    async fn endpoint_disabled(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        version: u64,
        reason: &str,
    ) -> Result<(), StoreError> {
        let Some(stored) = self.find(tenant, endpoint).await? else {
            return Ok(());
        };
        if !stored.enabled {
            return Ok(());
        }
        if stored.version != version {
            // The endpoint was changed since and may be healthy, which its next attempt shows.
            self.registry.reload(tenant).await?;
            return Ok(());
        }
        // Published before the endpoint is disabled: a process that is killed in between publishes
        // it again under the same id.
        self.publish_disabled(&stored, reason).await?;
        self.disable(&stored, reason).await
    }

    async fn endpoint_failing(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        since: Millis,
    ) -> Result<(), StoreError> {
        let failing = |endpoint: &mut Endpoint| {
            let is_new = endpoint.failing_since.is_none();
            endpoint.failing_since.get_or_insert(since);
            is_new
        };
        if self.update(tenant, endpoint, failing).await? {
            self.publish_change("endpoint.failing", tenant, endpoint);
        }
        Ok(())
    }

    async fn endpoint_recovered(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
    ) -> Result<(), StoreError> {
        let recovered = |endpoint: &mut Endpoint| endpoint.failing_since.take().is_some();
        if self.update(tenant, endpoint, recovered).await? {
            self.publish_change("endpoint.recovered", tenant, endpoint);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use webhook_model::{Delivery, Origin, Owner};
    use webhook_store::sqlite::SqliteStore;
    use webhook_store::{AuditFilter, DeliveryFilter, Lease, Store};

    use super::*;
    use crate::plan::{DispatchPort, Parts, ReservedPermit};

    /// A dispatcher without free permits.
    struct NoPermits;

    impl DispatchPort for NoPermits {
        fn reserve(&self, _: &TenantId, _: &EndpointId) -> Option<Box<dyn ReservedPermit>> {
            None
        }
        fn is_breaker_open(&self, _: &TenantId, _: &EndpointId) -> bool {
            false
        }

        fn wake(&self) {}
    }

    struct World {
        recorder: HealthRecorder,
        store: Arc<dyn Store>,
        tenant: TenantId,
        id: EndpointId,
        _folder: tempfile::TempDir,
    }

    impl World {
        /// Creates a tenant with the endpoint `orders`, which subscribes to operational events.
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let store = SqliteStore::open(&folder.path().join("sender.db")).unwrap();
            let store: Arc<dyn Store> = Arc::new(store);
            let clock = Clock::system();
            let owner = Owner::this_process("recorder");
            let lease =
                Lease::acquire(store.clone(), clock.clone(), owner, Duration::from_secs(60));
            let registry = Arc::new(Registry::new(store.clone()));
            let planner = Planner::new(Parts {
                store: store.clone(),
                registry: registry.clone(),
                dispatch_port: Arc::new(NoPermits),
                lease: lease.await.unwrap(),
                clock: clock.clone(),
            });
            let recorder = HealthRecorder {
                store: store.clone(),
                registry,
                planner,
                clock: clock.clone(),
                audit: AuditLog::new(store.clone(), clock.clone()),
                feed: Feed::default(),
            };
            let (tenant, id) = (TenantId::parse("acme"), EndpointId::parse("orders"));
            let (tenant, id) = (tenant.unwrap(), id.unwrap());
            store.put_tenant(&tenant).await.unwrap();
            let declared = json!({ "url": "https://example.com", "events": ["operational.*"] });
            let spec = crate::config::EndpointSpec::from_json(&declared, &Default::default());
            let spec = spec.unwrap();
            let endpoint = spec.endpoint(tenant.clone(), id.clone(), Origin::Api, clock.now());
            store.put_endpoint(&endpoint, None).await.unwrap();
            Self {
                recorder,
                store,
                tenant,
                id,
                _folder: folder,
            }
        }

        async fn endpoint(&self) -> Endpoint {
            let found = self.recorder.find(&self.tenant, &self.id).await.unwrap();
            found.unwrap()
        }

        async fn disabled(&self, version: u64) {
            let disabled =
                self.recorder
                    .endpoint_disabled(&self.tenant, &self.id, version, "responded 410");
            disabled.await.unwrap();
        }

        /// Returns the actions and the outcomes of the audit list, the newest first.
        async fn audited(&self) -> Vec<(String, AuditOutcome)> {
            let filter = AuditFilter::default();
            let page = self.recorder.audit.list(&filter, None, 10).await.unwrap();
            let entries = page.items.into_iter();
            entries.map(|entry| (entry.action, entry.outcome)).collect()
        }

        async fn deliveries(&self) -> Vec<Delivery> {
            let filter = DeliveryFilter::default();
            let page = self.store.deliveries(&self.tenant, &filter, None, 10);
            page.await.unwrap().items
        }
    }

    /// The endpoint subscribes to the event itself, which is planned for it only while it is
    /// enabled.
    #[tokio::test]
    async fn an_endpoint_is_disabled_after_the_event_about_it_is_published() {
        let world = World::new().await;
        world.disabled(world.endpoint().await.version).await;
        let endpoint = world.endpoint().await;
        assert!(!endpoint.enabled);
        assert_eq!(endpoint.disabled_reason.as_deref(), Some("responded 410"));
        let deliveries = world.deliveries().await;
        assert_eq!(deliveries.len(), 1);
        assert_eq!(deliveries[0].kind, DISABLED);
        let done = (DISABLE.to_owned(), AuditOutcome::Done);
        assert_eq!(world.audited().await, [done]);
    }

    #[tokio::test]
    async fn an_event_published_before_a_crash_is_not_published_again() {
        let world = World::new().await;
        let endpoint = world.endpoint().await;
        let publish = || world.recorder.publish_disabled(&endpoint, "responded 410");
        publish().await.unwrap();
        world.disabled(endpoint.version).await;
        assert!(!world.endpoint().await.enabled);
        assert_eq!(world.deliveries().await.len(), 1);
    }

    #[tokio::test]
    async fn a_change_of_an_older_version_disables_nothing() {
        let world = World::new().await;
        let before = world.endpoint().await;
        let moved = Endpoint {
            url: "https://example.com/new".into(),
            ..before.clone()
        };
        let put = world.store.put_endpoint(&moved, Some(before.version));
        put.await.unwrap();
        world.disabled(before.version).await;
        assert!(world.endpoint().await.enabled);
        assert!(world.deliveries().await.is_empty());
        assert_eq!(world.audited().await, []);
    }
}
