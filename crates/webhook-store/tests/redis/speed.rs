//! Measures the cost of a delivery. Run by hand on an idle machine:
//!
//! ```text
//! cargo test --release -p webhook-store --test redis -- --ignored --nocapture what_a_delivery_costs
//! ```

use std::time::Instant;

use test_support::redis::Fsync;
use webhook_model::{Owner, TenantId};
use webhook_store::{
    ClaimRequest, InitialState, Leases, Outcome, PlanBatch, PlanResult, Planned, Queue, Tenants,
};

use crate::world::{PLANNED, World, at, endpoint, planned, success, tenant};

const BODY: usize = 1024;
const BATCH: usize = 256;

#[tokio::test(flavor = "current_thread")]
#[ignore = "measures, and promises nothing"]
async fn what_a_delivery_costs() {
    println!("| way | tenants | endpoints | deliveries/s | sender µs | redis µs | redis bytes |");
    println!("|---|---|---|---|---|---|---|");
    for (tenants, endpoints) in [(1, 1), (1, 10), (100, 10)] {
        claimed_at_once(tenants, endpoints).await;
    }
    for (tenants, endpoints) in [(1, 1), (100, 10)] {
        by_way_of_the_queue(tenants, endpoints).await;
    }
}

struct Run {
    world: World,
    store: webhook_store::redis::RedisStore,
    owner: Owner,
    tenants: Vec<(TenantId, u64)>,
    endpoints: usize,
}

struct Cost {
    began: Instant,
    sender: f64,
    redis: f64,
    memory: u64,
}

impl Run {
    async fn new(tenants: usize, endpoints: usize) -> Self {
        let server = test_support::redis::RedisServer::start(Fsync::EverySecond).await;
        let world = World { server };
        let (store, owner) = (world.bare_store(), Owner::this_process("a"));
        store
            .acquire_lease(&owner, at(0), at(1_000_000))
            .await
            .unwrap();
        let mut all = Vec::new();
        for number in 0..tenants {
            let tenant = tenant(&format!("tenant-{number}"));
            store.put_tenant(&tenant).await.unwrap();
            let mut version = 0;
            for number in 0..endpoints {
                let endpoint = endpoint(&tenant, &format!("ep-{number}"));
                version = store.put_endpoint(&endpoint, None).await.unwrap();
            }
            all.push((tenant, version));
        }
        Self {
            world,
            store,
            owner,
            tenants: all,
            endpoints,
        }
    }

    /// Returns batches of the same events for each tenant, `BATCH` events in total.
    fn batches(&self, round: usize, start: &InitialState) -> Vec<PlanBatch> {
        let count = BATCH.div_ceil(self.tenants.len());
        let batch = |(tenant, version): &(TenantId, u64)| {
            let event = |number: usize| {
                let id = format!("evt_{round:08}_{number:08}");
                let to = format!("ep-{}", (round + number) % self.endpoints);
                planned(tenant, &id, &to, start.clone(), BODY)
            };
            let events = (0..count).map(event).collect();
            PlanBatch {
                tenant: tenant.clone(),
                version: *version,
                fence: PLANNED,
                events,
                accepted: false,
            }
        };
        self.tenants.iter().map(batch).collect()
    }

    async fn plan(&self, batches: Vec<PlanBatch>) -> Vec<Outcome> {
        let plans = batches.into_iter().map(async |batch| {
            let tenant = batch.tenant.clone();
            let to: Vec<_> = batch
                .events
                .iter()
                .map(|event| event.deliveries[0].endpoint.as_str().to_owned())
                .collect();
            let PlanResult::Done(planned) =
                self.store.plan(&self.owner, batch, at(1)).await.unwrap()
            else {
                panic!("it is not stale");
            };
            let outcomes = planned
                .iter()
                .zip(to)
                .flat_map(|(planned, to)| match planned {
                    Planned::New { claimed } => claimed
                        .iter()
                        .map(|id| success(&tenant, id, &to))
                        .collect::<Vec<_>>(),
                    Planned::Known | Planned::Conflict => panic!("it is new"),
                });
            outcomes.collect::<Vec<_>>()
        });
        futures::future::join_all(plans).await.concat()
    }

    async fn begin(&self) -> Cost {
        Cost {
            began: Instant::now(),
            sender: cpu_of("self"),
            redis: cpu_of(&self.world.server.pid().unwrap().to_string()),
            memory: self.memory().await,
        }
    }

    async fn memory(&self) -> u64 {
        let info: String =
            redis::from_redis_value(self.world.command(&["INFO", "memory"]).await).unwrap();
        let line = info
            .lines()
            .find_map(|line| line.strip_prefix("used_memory:"));
        line.unwrap().trim().parse().unwrap()
    }

    async fn end(&self, way: &str, cost: Cost, deliveries: usize) {
        let each = |seconds: f64| seconds * 1e6 / deliveries as f64;
        let seconds = cost.began.elapsed().as_secs_f64();
        let redis = cpu_of(&self.world.server.pid().unwrap().to_string());
        println!(
            "| {way} | {} | {} | {:.0} | {:.1} | {:.1} | {} |",
            self.tenants.len(),
            self.endpoints,
            deliveries as f64 / seconds,
            each(cpu_of("self") - cost.sender),
            each(redis - cost.redis),
            (self.memory().await - cost.memory) / deliveries as u64,
        );
    }
}

/// Plans deliveries as claimed and completes them, as for an endpoint with a free permit.
async fn claimed_at_once(tenants: usize, endpoints: usize) {
    let run = Run::new(tenants, endpoints).await;
    let rounds: Vec<_> = (0..80)
        .map(|round| run.batches(round, &InitialState::Claimed))
        .collect();
    let cost = run.begin().await;
    let mut count = 0;
    for batches in rounds {
        let outcomes = run.plan(batches).await;
        count += outcomes.len();
        let recorded = run
            .store
            .complete(&run.owner, &outcomes, at(2))
            .await
            .unwrap();
        assert!(recorded.iter().all(|recorded| *recorded));
    }
    run.end("claimed at once", cost, count).await;
}

/// Plans deliveries as due, claims and completes them, as for a busy endpoint.
async fn by_way_of_the_queue(tenants: usize, endpoints: usize) {
    let run = Run::new(tenants, endpoints).await;
    let rounds: Vec<_> = (0..80)
        .map(|round| run.batches(round, &InitialState::Due(at(1))))
        .collect();
    let cost = run.begin().await;
    for batches in rounds {
        run.plan(batches).await;
    }
    let mut count = 0;
    loop {
        let (due, _) = run.store.due(at(2)).await.unwrap();
        if due.is_empty() {
            break;
        }
        let limit = BATCH.div_ceil(due.len());
        let request = |due: &webhook_store::DueEndpoint| ClaimRequest {
            tenant: due.tenant.clone(),
            endpoint: due.endpoint.clone(),
            limit,
        };
        let requests: Vec<_> = due.iter().map(request).collect();
        let claims = run.store.claim(&run.owner, &requests, at(2)).await.unwrap();
        let outcome = |claim: &webhook_store::Claim| Outcome {
            fence: claim.fence,
            ..success(&claim.tenant, &claim.id, claim.endpoint.as_str())
        };
        let outcomes: Vec<_> = claims.iter().map(outcome).collect();
        count += outcomes.len();
        run.store
            .complete(&run.owner, &outcomes, at(3))
            .await
            .unwrap();
    }
    run.end("by way of the queue", cost, count).await;
}

/// Returns the CPU time of a process in seconds, user and system.
fn cpu_of(pid: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields = stat.rsplit_once(')').unwrap().1;
    let ticks = |at: usize| -> f64 { fields.split_whitespace().nth(at).unwrap().parse().unwrap() };
    (ticks(11) + ticks(12)) / 100.0
}
