//! Compares a store with a simple model after each of many random calls.

mod attempts;
mod changes;
mod comparison;
mod leases;
mod planning;
mod queue;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use webhook_model::{Attempt, DeliveryId, DeliveryState, EndpointId, Event, Millis, Owner};
use webhook_store::{Fence, Outcome};

use crate::world::{World, at, endpoint, sender};

const SEEDS: u64 = 24;
const CALLS: usize = 120;
const ENDPOINTS: [&str; 3] = ["first", "second", "third"];

/// A delivery of the model. The model lists them in the order of planning.
struct Expected {
    id: DeliveryId,
    event: Event,
    endpoint: usize,
    ordered: bool,
    state: DeliveryState,
    /// The due time, or the earliest one while it waits.
    due: Millis,
    /// True if it waits for its ordering group.
    waits: bool,
    owner: usize,
    reason: Option<String>,
    attempts: Vec<Attempt>,
    /// The fence of its last claim.
    fence: Fence,
    /// The fences of claims with recorded attempts.
    recorded: Vec<Fence>,
    made: u32,
    created_at: Millis,
}

/// An endpoint of the model.
#[derive(Clone, Copy, PartialEq)]
enum Is {
    Enabled,
    Disabled,
    Deleted,
}

struct Run {
    world: World,
    random: StdRng,
    now: u64,
    ids: Vec<EndpointId>,
    endpoints: Vec<Is>,
    owners: Vec<Owner>,
    /// The end of each owner's lease; `None` if it is lost.
    leases: Vec<Option<u64>>,
    /// The ids of events in the order of planning.
    known: Vec<String>,
    all: Vec<Expected>,
    /// Outcomes and their owners, to record again.
    past: Vec<(Owner, Outcome)>,
    /// The calls so far, for the message of a failure.
    log: Vec<String>,
}

pub async fn a_store_behaves_like_its_model(mut world: World) {
    for seed in 0..SEEDS {
        let mut run = Run::new(world, seed).await;
        for _ in 0..CALLS {
            run.call().await;
            run.compare().await;
        }
        world = run.world;
        assert!(world.store().delete_tenant(&world.acme).await.unwrap());
        world.store().put_tenant(&world.acme).await.unwrap();
    }
}

impl Run {
    async fn new(world: World, seed: u64) -> Self {
        let owners: Vec<Owner> = ["x", "y"]
            .map(|name| sender(&format!("{name}{seed}")))
            .into();
        for owner in &owners {
            world
                .store()
                .acquire_lease(owner, at(0), at(1_000))
                .await
                .unwrap();
        }
        let mut ids = Vec::new();
        for id in ENDPOINTS {
            ids.push(world.put(&endpoint(&world.acme, id)).await.id);
        }
        Self {
            world,
            random: StdRng::seed_from_u64(seed),
            now: 1,
            ids,
            endpoints: vec![Is::Enabled; ENDPOINTS.len()],
            owners,
            leases: vec![Some(1_000); 2],
            known: Vec::new(),
            all: Vec::new(),
            past: Vec::new(),
            log: vec![format!("seed {seed}")],
        }
    }

    fn below(&mut self, end: usize) -> usize {
        self.random.random_range(0..end)
    }

    /// Returns a random owner with a live lease; an expired one is renewed first.
    async fn owner(&mut self) -> usize {
        let owner = self.below(2);
        if self.leases[owner].is_some_and(|until| until <= self.now) {
            self.renew(owner).await;
        }
        owner
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn said(&mut self, call: String) {
        self.log.push(format!("at {}: {call}", self.now));
    }

    fn story(&self) -> String {
        self.log.join("\n")
    }

    async fn call(&mut self) {
        self.now += self.below(30) as u64;
        match self.below(100) {
            0..30 => self.plan().await,
            30..50 => self.claim().await,
            50..70 => self.complete().await,
            70..75 => self.repeat().await,
            75..79 => {
                let owner = self.below(2);
                self.renew(owner).await;
            }
            79..82 => self.recover().await,
            82..85 => self.enter().await,
            85..87 => self.leave().await,
            87..92 => self.change_endpoint().await,
            92..97 => self.replay().await,
            _ => self.now += 300,
        }
    }
}
