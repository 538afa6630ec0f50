//! The schedule of faults.

use std::time::{Duration, Instant};

use anyhow::Result;
use rand::RngExt;
use rand::rngs::StdRng;
use tokio::time::{sleep, sleep_until};

use crate::column::Column;
use crate::fault::Fault;
use crate::world::World;

/// A fault with its time in a cell.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub fault: Fault,
    /// The start, relative to the first step.
    pub start: Duration,
    pub hold: Duration,
}

/// A fault that has happened.
pub struct Past {
    pub fault: Fault,
    pub start: Instant,
    /// The moment from which the fault was there: to start one, such as a full disk, can take seconds.
    pub complete: Instant,
    pub end: Instant,
    /// The errors while the fault was started or ended.
    pub failures: Vec<String>,
}

impl Step {
    /// Returns a single fault with the duration of its row.
    pub fn only(fault: Fault) -> Vec<Self> {
        vec![Self {
            fault,
            start: Duration::ZERO,
            hold: fault.profile().hold,
        }]
    }

    /// Returns random consecutive faults with random durations.
    pub fn random(column: Column, rng: &mut StdRng) -> Vec<Self> {
        let faults: Vec<_> = Fault::all()
            .filter(|fault| is_generated(*fault, column))
            .collect();
        let mut start = Duration::ZERO;
        let mut steps = Vec::new();
        for _ in 0..rng.random_range(2..=4) {
            let fault = faults[rng.random_range(0..faults.len())];
            let hold = fault.profile().hold.mul_f64(rng.random_range(0.2..1.5));
            steps.push(Self { fault, start, hold });
            start += hold + Duration::from_millis(rng.random_range(0..3000));
        }
        steps
    }

    /// Starts the fault, holds it and ends it.
    pub async fn play(self, begun: Instant, world: &mut World) -> Past {
        sleep_until((begun + self.start).into()).await;
        let start = Instant::now();
        let mut failures = Vec::new();
        let mut note = |acted: Result<()>| {
            if let Err(error) = acted {
                failures.push(format!("{}: {error:#}", self.fault.profile().name));
            }
        };
        note(self.fault.start(world).await);
        let complete = Instant::now();
        sleep(self.hold).await;
        let end = Instant::now();
        if !self.fault.profile().lasts {
            note(self.fault.end(world).await);
        }
        Past {
            fault: self.fault,
            start,
            complete,
            end,
            failures,
        }
    }
}

/// Returns `true` if a fault can follow any other in a world. Those that set up a world of their own, or lose
/// what the ledger cannot tell from a loss of another fault, have their own cells only.
fn is_generated(fault: Fault, column: Column) -> bool {
    let profile = fault.profile();
    let own_world = matches!(
        fault,
        Fault::OneOfThreeKilled
            | Fault::StoreEmptied
            | Fault::ReplicaPromoted
            | Fault::StoreOnStandby
            | Fault::LittleMemory
            | Fault::ManyEndpoints
            | Fault::Receiver(_)
    );
    let missing = profile.tools.iter().any(|tool| tool.missing().is_some());
    profile.columns.contains(&column) && !own_world && !profile.lasts && !missing
}
