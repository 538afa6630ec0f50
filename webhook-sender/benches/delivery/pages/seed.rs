//! The history of a store: a day of deliveries of several tenants, written by the store itself.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::stream::{self, StreamExt, TryStreamExt};
use webhook_model::{
    Attempt, AuditEntry, AuditId, AuditOutcome, Clock, DeliveryId, EndpointId, Event, EventId,
    Exchange, HeaderBlock, KeyId, Millis, Owner, Phase, Protocol, ReceivedParts, Rejected,
    RequestRecord, Source, TenantId,
};
use webhook_store::postgres::{self, PostgresStore};
use webhook_store::redis::RedisStore;
use webhook_store::sqlite::SqliteStore;
use webhook_store::{
    Fence, InitialState, NewDelivery, NextState, Outcome, PlanBatch, PlanResult, PlannedEvent,
    Store as Interface,
};

use crate::receiver::Receiver;
use crate::sender::{Setting, Store};

pub const DELIVERIES: usize = 1_000_000;

/// The deliveries of a call of the store.
const BATCH: usize = 500;

/// The calls of the store at a time.
const CALLS: usize = 6;

const REJECTED: usize = 2_000;
const AUDITED: usize = 1_000;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The tenants, each with its share of a hundred batches.
const TENANTS: [(&str, usize); 4] = [
    ("acme", 70),
    ("globex", 20),
    ("initech", 9),
    ("umbrella", 1),
];

/// The endpoints of every tenant. Each has the type of its events in its name.
const ENDPOINTS: [&str; 4] = ["order", "invoice", "failing", "rare"];

/// Returns the configuration of the tenants, whose endpoints all succeed now.
pub fn tenants(receiver: &Receiver) -> String {
    let url = receiver.url("/now");
    let endpoint = |id: &str| {
        format!(
            "[[tenant.endpoint]]\nid = \"{id}\"\nurl = \"{url}\"\nevents = [\"{id}.*\"]\n\
             secret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\n"
        )
    };
    let endpoints: String = ENDPOINTS.map(endpoint).concat();
    let tenant = |(id, _): (&str, _)| format!("[[tenant]]\nid = \"{id}\"\n{endpoints}");
    TENANTS.map(tenant).concat()
}

/// Fills the store of a sender that has applied its configuration and was stopped.
pub async fn fill(setting: &Setting, store: Store) -> Result<()> {
    let seed = Seed::begin(setting, store).await?;
    let batches = (0..DELIVERIES / BATCH).map(|number| seed.deliver(number));
    all(batches).await?;
    seed.reject().await?;
    all((0..AUDITED).map(|number| seed.audit(number))).await?;
    seed.store.release_lease(&seed.owner, seed.now).await?;
    drop(seed);
    if let Some(server) = &setting.postgres {
        // As the server does after a while.
        server.sql("VACUUM ANALYZE");
    }
    Ok(())
}

async fn all(calls: impl Iterator<Item = impl Future<Output = Result<()>>>) -> Result<()> {
    let calls = stream::iter(calls).buffer_unordered(CALLS);
    calls.try_collect().await
}

/// A store that is being filled.
struct Seed {
    store: Arc<dyn Interface>,
    owner: Owner,
    now: Millis,
    request: RequestRecord,
}

impl Seed {
    async fn begin(setting: &Setting, store: Store) -> Result<Self> {
        let store: Arc<dyn Interface> = match (store, &setting.redis, &setting.postgres) {
            (Store::Redis, Some(redis), _) => {
                Arc::new(RedisStore::new(redis_link::Address::parse(&redis.url())?))
            }
            (Store::Postgres, _, Some(server)) => {
                let address = postgres::Address::parse(&server.url())?;
                Arc::new(PostgresStore::open(address).await?)
            }
            _ => Arc::new(SqliteStore::open(&setting.folder().join("sender.db"))?),
        };
        let (owner, now) = (Owner::this_process("seed"), Clock::system().now());
        store.acquire_lease(&owner, now, now.after(DAY)).await?;
        let mut request = RequestRecord::new("https://hooks.example.com/orders");
        request.shown("Content-Type", "application/json");
        request.shown("User-Agent", "webhook-sender/0.1.0");
        Ok(Self {
            store,
            owner,
            now,
            request,
        })
    }

    /// Plans a batch of events of one tenant, and records the attempts of their deliveries.
    async fn deliver(&self, batch: usize) -> Result<()> {
        let tenant = TenantId::parse(tenant_of(batch))?;
        let known = self.store.endpoints(&tenant).await?;
        let (version, _) = known.context("the tenant is declared")?;
        let at = self.moment(batch * BATCH);
        let fence = Fence::new(at);
        let (mut events, mut outcomes) = (Vec::new(), Vec::new());
        for number in batch * BATCH..(batch + 1) * BATCH {
            let planned = planned(&tenant, number, at)?;
            let delivery = planned.deliveries.first().context("a delivery")?;
            outcomes.push(self.outcome(&tenant, delivery, number, fence));
            events.push(planned);
        }
        let batch = PlanBatch {
            tenant,
            version,
            fence,
            events,
            accepted: false,
        };
        let planned = self.store.plan(&self.owner, batch, at).await?;
        ensure!(matches!(planned, PlanResult::Done(_)), "{planned:?}");
        let ended = at.after(Duration::from_millis(20));
        let recorded = self.store.complete(&self.owner, &outcomes, ended).await?;
        ensure!(recorded.iter().all(|it| *it), "an outcome is not recorded");
        Ok(())
    }

    /// Returns the moment of a delivery, within the last day.
    fn moment(&self, number: usize) -> Millis {
        let left = (DELIVERIES - number) as f64 / DELIVERIES as f64;
        self.now.before(DAY.mul_f64(left))
    }

    /// Returns the outcome of a first attempt. Those to the failing endpoint fail, most of them for good.
    fn outcome(
        &self,
        tenant: &TenantId,
        delivery: &NewDelivery,
        number: usize,
        fence: Fence,
    ) -> Outcome {
        let fails = delivery.endpoint.as_str() == "failing";
        let status = match (fails, number / 50 % 3) {
            (false, _) => Some(200),
            (true, 0) => Some(404),
            (true, 1) => Some(503),
            (true, _) => None,
        };
        let error = fails.then(|| status.map_or("refused".into(), |it| format!("responded {it}")));
        let next = match &error {
            None => NextState::Succeeded,
            Some(_) if (number / 50).is_multiple_of(8) => NextState::Due(self.now.after(DAY / 2)),
            Some(error) => NextState::Dead(format!("the last of 10 attempts failed: {error}")),
        };
        Outcome {
            tenant: tenant.clone(),
            id: delivery.id.clone(),
            endpoint: delivery.endpoint.clone(),
            fence,
            attempt: Some(Attempt {
                at: fence.at,
                status,
                error,
                phase: fails.then_some(Phase::Respond),
                duration_ms: 5 + (number % 40) as u32,
                exchange: self.exchange(status),
            }),
            next,
        }
    }

    fn exchange(&self, status: Option<u16>) -> Exchange {
        let (hex, base64) = ("0".repeat(64), format!("v1,{}", "0".repeat(44)));
        let signatures = [
            ("X-WSS-Timestamp", "1800000000"),
            ("X-WSS-Signature", &*hex),
            ("webhook-id", "evt_0123456789abcdef0123456789abcdef"),
            ("webhook-timestamp", "1800000000"),
            ("webhook-signature", &*base64),
        ];
        let mut headers = HeaderBlock::default();
        headers.push("content-type", b"text/plain");
        headers.push("date", b"Mon, 30 Nov 2026 09:00:00 GMT");
        let response = ReceivedParts {
            protocol: Protocol::Http1,
            headers: &headers,
            body: b"accepted",
            body_bytes: 8,
        };
        let response = status.map(|_| &response);
        self.request.exchange(signatures, 256, response)
    }

    /// Keeps rejected events of all tenants, and some that name no tenant.
    async fn reject(&self) -> Result<()> {
        let rejected = (0..REJECTED).map(|number| {
            let tenant = TENANTS.get(number % 5).map(|(id, _)| TenantId::parse(id));
            Ok(Rejected {
                id: format!("rejected-{number}"),
                tenant: tenant.transpose()?,
                source: Source::named("shop"),
                at: self.moment(number * (DELIVERIES / REJECTED)),
                code: "bad-type".into(),
                reason: "type `order shipped` is not 1 to 256 visible ASCII characters".into(),
                fields: vec![
                    ("type".into(), "order shipped".into()),
                    ("data".into(), data(number).into()),
                ],
            })
        });
        let rejected: Vec<_> = rejected.collect::<Result<_>>()?;
        for some in rejected.chunks(BATCH) {
            self.store.reject(some).await?;
        }
        Ok(())
    }

    async fn audit(&self, number: usize) -> Result<()> {
        let (at, tenant) = (self.moment(number * (DELIVERIES / AUDITED)), number % 4);
        let entry = AuditEntry {
            id: AuditId::at(at),
            at,
            key: KeyId::named("local"),
            key_name: "local".into(),
            session: None,
            peer: Some("127.0.0.1".into()),
            action: "deliveries.replay".into(),
            tenant: Some(TenantId::parse(tenant_of(tenant))?),
            target: None,
            outcome: AuditOutcome::Done,
            changes: Vec::new(),
        };
        Ok(self.store.put_audit_entry(&entry, AUDITED).await?)
    }
}

fn tenant_of(batch: usize) -> &'static str {
    // Every hundred batches in another order than by tenant.
    let mut place = batch * 37 % 100;
    for (id, share) in TENANTS {
        if place < share {
            return id;
        }
        place -= share;
    }
    TENANTS[0].0
}

/// Returns the endpoint of a delivery: 2 % go to the failing one, and few to the rare one.
fn endpoint_of(number: usize) -> &'static str {
    match number % 50 {
        _ if number % 10_000 == 77 => "rare",
        0 => "failing",
        1..=15 => "invoice",
        _ => "order",
    }
}

fn planned(tenant: &TenantId, number: usize, at: Millis) -> Result<PlannedEvent> {
    let endpoint = endpoint_of(number);
    let event = Event {
        id: EventId::parse(&format!("old_{number}"))?,
        kind: format!("{endpoint}.shipped"),
        data: data(number).into(),
        at,
        ordering_key: None,
        source: Source::API,
    };
    let endpoint = EndpointId::parse(endpoint)?;
    let delivery = NewDelivery {
        id: DeliveryId::of(tenant, &event.id, &endpoint),
        endpoint,
        body: None,
        ordered: false,
        start: InitialState::Claimed,
    };
    Ok(PlannedEvent {
        event,
        deliveries: vec![delivery],
    })
}

fn data(number: usize) -> String {
    format!(
        r#"{{"number": {number}, "status": "shipped", "padding": "{}"}}"#,
        "x".repeat(200)
    )
}
