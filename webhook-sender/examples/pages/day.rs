//! A day of deliveries, written into a store as the sender would have.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use test_support::Receiver;
use webhook_model::{
    Attempt, Clock, DeliveryId, Endpoint, EndpointId, Exchange, FieldText, Millis, Origin, Owner,
    Phase, RawEvent, Rejected, Source, TenantId,
};
use webhook_sender::config::{Config, EndpointSpec};
use webhook_store::sqlite::SqliteStore;
use webhook_store::{
    ClaimRequest, Fence, InitialState, Leases, NewDelivery, NextState, Outcome, PlanBatch,
    PlanResult, PlannedEvent, Queue, Tenants,
};

use crate::sample::{self, ENDPOINTS, SampleEndpoint, TENANTS};

/// The time between two steps of the day.
const STEP: Duration = Duration::from_secs(10 * 60);

const STEPS: usize = 24 * 6;

/// The number of attempts before a delivery is dead.
const ATTEMPTS: u32 = 3;

/// A day in progress.
struct Day {
    store: SqliteStore,
    owner: Owner,
    /// The number of events so far.
    events: usize,
    deliveries: usize,
}

/// Fills the store, and returns the number of deliveries.
pub async fn simulate(file: &Path, store: &Path, receiver: &Receiver) -> usize {
    let store = SqliteStore::open(store).expect("a store");
    let now = Clock::system().now();
    let start = now.before(STEP * u32::try_from(STEPS).expect("few"));
    let owner = Owner::this_process("sample");
    let until = now.after(Duration::from_secs(60));
    store
        .acquire_lease(&owner, start, until)
        .await
        .expect("no other process has a lease");
    let mut day = Day {
        store,
        owner,
        events: 0,
        deliveries: 0,
    };
    let config = Config::load(file).expect("a valid configuration");
    for tenant in TENANTS {
        day.declare(&config, tenant, receiver, start).await;
        day.reject(tenant, start.after(STEP * 100)).await;
    }
    for step in 0..STEPS {
        let at = start.after(STEP * u32::try_from(step).expect("few"));
        for tenant in TENANTS {
            day.attempt_due(tenant, at).await;
            day.publish(tenant, step, at).await;
        }
    }
    let released = day.store.release_lease(&day.owner, now).await;
    released.expect("the store can be written");
    day.deliveries
}

fn tenant_id(tenant: &str) -> TenantId {
    TenantId::parse(tenant).expect("a valid id")
}

fn endpoint_id(endpoint: &str) -> EndpointId {
    EndpointId::parse(endpoint).expect("a valid id")
}

impl Day {
    async fn declare(&self, config: &Config, tenant: &str, receiver: &Receiver, at: Millis) {
        let tenant = tenant_id(tenant);
        self.store.put_tenant(&tenant).await.expect("a new tenant");
        for sample in &ENDPOINTS {
            let declared = json!({
                "url": receiver.url(sample.path),
                "events": sample.events,
                "filter": sample.filter,
                "transform": sample.transform,
            });
            let spec = EndpointSpec::from_json(&declared, &config.rules()).expect("it is valid");
            let id = endpoint_id(sample.id);
            let endpoint = Endpoint {
                enabled: sample.enabled,
                disabled_reason: (!sample.enabled)
                    .then(|| "the receiver responded with 410".into()),
                failing_since: fails(sample).then(|| at.after(STEP * 120)),
                ..spec.endpoint(tenant.clone(), id, Origin::Api, at)
            };
            let put = self.store.put_endpoint(&endpoint, None).await;
            put.expect("a new endpoint");
        }
    }

    /// Keeps an event without a type, which can be corrected.
    async fn reject(&self, tenant: &str, at: Millis) {
        let text = |text: &str| FieldText::from(text.as_bytes().to_vec());
        let rejected = Rejected {
            id: format!("sample-{tenant}-1"),
            tenant: Some(tenant_id(tenant)),
            source: Source::named("shop"),
            at,
            code: "bad-type".into(),
            reason: "type `order shipped` is not 1 to 256 visible ASCII characters".into(),
            fields: vec![
                (text("tenant"), text(tenant)),
                (text("type"), text("order shipped")),
                (text("data"), text(r#"{"id": 17, "total": 99}"#)),
            ],
        };
        self.store.reject(&[rejected]).await.expect("it is kept");
    }

    /// Publishes more events by day than by night, and makes their first attempts.
    async fn publish(&mut self, tenant: &str, step: usize, at: Millis) {
        let hour = step / 6;
        let count = 2 + 3 * (12 - hour.abs_diff(12)) / 4;
        let tenant = tenant_id(tenant);
        let known = self.store.endpoints(&tenant).await.expect("a store");
        let (version, _) = known.expect("the tenant exists");
        let fence = Fence::new(at);
        let mut firsts = Vec::new();
        let mut events = Vec::new();
        for _ in 0..count {
            self.events += 1;
            let event = event(self.events, at);
            let deliveries: Vec<_> = new_deliveries(&tenant, &event, self.events);
            firsts.extend(
                deliveries
                    .iter()
                    .map(|it| (it.id.clone(), it.endpoint.clone())),
            );
            events.push(PlannedEvent { event, deliveries });
        }
        let batch = PlanBatch {
            tenant: tenant.clone(),
            version,
            fence,
            events,
            accepted: false,
        };
        let planned = self.store.plan(&self.owner, batch, at).await;
        assert!(matches!(planned, Ok(PlanResult::Done(_))), "{planned:?}");
        self.deliveries += firsts.len();
        let firsts = firsts
            .into_iter()
            .filter(|(_, endpoint)| is_enabled(endpoint));
        let outcomes: Vec<_> = firsts
            .map(|(id, endpoint)| outcome(&tenant, id, endpoint, fence, 0, at))
            .collect();
        self.complete(&outcomes, at).await;
    }

    /// Makes the attempts that are due.
    async fn attempt_due(&self, tenant: &str, at: Millis) {
        let tenant = tenant_id(tenant);
        let requests = ENDPOINTS.iter().filter(|it| it.enabled);
        let requests: Vec<_> = requests
            .map(|it| ClaimRequest {
                tenant: tenant.clone(),
                endpoint: endpoint_id(it.id),
                limit: 1000,
            })
            .collect();
        let claims = self.store.claim(&self.owner, &requests, at).await;
        let outcomes: Vec<_> = claims
            .expect("the store can be read")
            .into_iter()
            .map(|it| {
                let made = it.attempts_made;
                outcome(&it.tenant, it.id, it.endpoint, it.fence, made, at)
            })
            .collect();
        self.complete(&outcomes, at).await;
    }

    async fn complete(&self, outcomes: &[Outcome], at: Millis) {
        let recorded = self.store.complete(&self.owner, outcomes, at).await;
        let recorded = recorded.expect("the store can be written");
        assert!(recorded.iter().all(|recorded| *recorded));
    }
}

fn fails(sample: &SampleEndpoint) -> bool {
    matches!(sample.path, "/fails" | "/hangs")
}

fn is_enabled(endpoint: &EndpointId) -> bool {
    let mut known = ENDPOINTS.iter();
    known.any(|it| it.enabled && endpoint_id(it.id) == *endpoint)
}

fn event(number: usize, at: Millis) -> webhook_model::Event {
    let raw = RawEvent {
        id: None,
        kind: sample::kind(number),
        data: sample::data(number).to_string().into(),
        timestamp: None,
        ordering_key: None,
        source: Source::API,
    };
    raw.check(usize::MAX, at).expect("a valid event")
}

/// Returns the deliveries of an event, as the patterns, filters and transforms would make them.
fn new_deliveries(
    tenant: &TenantId,
    event: &webhook_model::Event,
    number: usize,
) -> Vec<NewDelivery> {
    let data = sample::data(number);
    let matches = |sample: &&SampleEndpoint| {
        let prefix = |pattern: &str| pattern.trim_end_matches('*').to_owned();
        let mut patterns = sample.events.iter();
        let wanted = patterns.any(|pattern| event.kind.starts_with(&prefix(pattern)));
        wanted && (sample.filter.is_none() || data["total"].as_u64() > Some(20))
    };
    let matching = ENDPOINTS.iter().filter(matches);
    matching
        .map(|it| {
            let endpoint = endpoint_id(it.id);
            let transformed = json!({ "order_id": data["id"], "amount": data["total"] });
            NewDelivery {
                id: DeliveryId::of(tenant, &event.id, &endpoint),
                endpoint,
                body: it.transform.map(|_| Bytes::from(transformed.to_string())),
                ordered: false,
                start: match it.enabled {
                    true => InitialState::Claimed,
                    false => InitialState::Due(event.at),
                },
            }
        })
        .collect()
}

/// Returns the outcome of an attempt. The failing endpoints fail since the last hours of the day.
fn outcome(
    tenant: &TenantId,
    id: DeliveryId,
    endpoint: EndpointId,
    fence: Fence,
    made: u32,
    at: Millis,
) -> Outcome {
    let now = Clock::system().now();
    let is_late = now.since(at) < STEP * 24;
    let failure = match (endpoint.as_str(), is_late) {
        ("accounting", true) => {
            Some((Some(500), "the receiver responded with 500", Phase::Respond))
        }
        ("warehouse", true) => Some((None, "no response within 5s", Phase::Respond)),
        _ => None,
    };
    let pace = 20 + at.0 / 1000 % 97;
    let attempt = Attempt {
        at,
        status: failure.map_or(Some(200), |(status, _, _)| status),
        error: failure.map(|(_, error, _)| error.to_owned()),
        phase: failure.map(|(_, _, phase)| phase),
        duration_ms: u32::try_from(pace).unwrap_or_default(),
        exchange: Exchange::default(),
    };
    let next = match failure {
        None => NextState::Succeeded,
        Some(_) if made + 1 < ATTEMPTS => NextState::Due(at.after(STEP)),
        Some((_, error, _)) => NextState::Dead(format!("the schedule has ended: {error}")),
    };
    Outcome {
        tenant: tenant.clone(),
        id,
        endpoint,
        fence,
        attempt: Some(attempt),
        next,
    }
}
