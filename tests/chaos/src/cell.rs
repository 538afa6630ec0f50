//! A cell: faults in a column, from the first event to the reconciliation.

use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rustix::process::Signal;
use tokio::time::sleep;

use crate::column::Column;
use crate::config::{HEALTHY, LEASE, NAMED};
use crate::fault::Fault;
use crate::probe::Probe;
use crate::reconcile::reconcile;
use crate::schedule::{Past, Step};
use crate::tools::Tool;
use crate::traffic::wait_until;
use crate::verdict::Outcome;
use crate::world::{STOP, Setup, World};

/// The number of deliveries before the first fault.
const WARM: usize = 50;
const WARM_LIMIT: Duration = Duration::from_secs(20);

/// The time after a fault within which everything works again.
const RECOVERY: Duration = Duration::from_secs(10);

/// The longest time without a delivery while something is due and `/readyz` responds with 200.
const IDLE: Duration = Duration::from_secs(5);

/// The environment of cells.
pub struct Bench {
    /// The `webhook-sender` binary.
    pub program: PathBuf,
    /// The parent of the folders of cells, with their configurations and logs.
    pub folder: PathBuf,
}

/// Faults in a column.
#[derive(Clone, Debug)]
pub struct Cell {
    pub column: Column,
    pub name: String,
    pub steps: Vec<Step>,
    pub seed: u64,
}

impl Cell {
    /// Returns the cell of a fault in a column.
    pub fn new(column: Column, fault: Fault, seed: u64) -> Self {
        let name = format!("{column}/{}", fault.profile().name);
        Self {
            column,
            seed: seed ^ hash(&name),
            name,
            steps: Step::only(fault),
        }
    }

    /// Returns a cell with random faults.
    pub fn random(column: Column, seed: u64) -> Self {
        let steps = Step::random(column, &mut StdRng::seed_from_u64(seed));
        let faults: Vec<_> = steps.iter().map(|step| step.fault.profile().name).collect();
        Self {
            column,
            name: format!("{column}/{}", faults.join(",")),
            seed,
            steps,
        }
    }

    /// Runs the cell.
    pub async fn run(&self, bench: &Bench) -> Outcome {
        let started = Instant::now();
        let mut outcome = Outcome {
            cell: self.name.clone(),
            seed: self.seed,
            missing: self.missing(),
            ..Outcome::default()
        };
        if outcome.missing.is_none()
            && let Err(error) = self.play(bench, &mut outcome).await
        {
            outcome.fail(format!("{error:#}"));
        }
        outcome.took = started.elapsed();
        outcome
    }

    async fn play(&self, bench: &Bench, outcome: &mut Outcome) -> Result<()> {
        let faults: Vec<_> = self.steps.iter().map(|step| step.fault).collect();
        let folder = bench.folder.join(self.name.replace('/', "-"));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder)?;
        let setup = Setup::of(faults.iter().copied());
        let started = World::start(self.column, &setup, &bench.program, &folder, self.seed);
        let mut world = started.await?;
        let (traffic, probe) = (world.traffic(), world.probe());
        if !wait_until(WARM_LIMIT, || world.ledger.deliveries(HEALTHY) >= WARM).await {
            bail!(
                "nothing is delivered before the fault; {}",
                world.launch.log_end("one")
            );
        }
        let past = self.faults(&mut world).await;
        recover(&world, &past, &probe, outcome).await;
        sleep(Duration::from_millis(500)).await;
        traffic.stop().await;
        drained(&world, outcome).await;
        check_ready(&world, &past, &probe, outcome);
        alive(&mut world)?;
        reconcile(&world, &faults, outcome).await?;
        stop(&mut world, outcome).await;
        Ok(())
    }

    async fn faults(&self, world: &mut World) -> Vec<Past> {
        let begun = Instant::now();
        let mut past = Vec::new();
        for step in &self.steps {
            past.push(step.play(begun, world).await);
        }
        past
    }

    /// Returns the tools and permissions that the machine lacks for this cell.
    fn missing(&self) -> Option<String> {
        let faults = self.steps.iter().map(|step| step.fault);
        let small_disk = |fault| fault == Fault::StoreFull && !self.column.is_redis();
        let postgres = (self.column == Column::Postgres).then_some(Tool::Postgres);
        let tools = faults.flat_map(|fault| {
            let mount = small_disk(fault).then_some(Tool::Mount);
            fault.profile().tools.iter().copied().chain(mount)
        });
        let redis = self.column.is_redis().then_some(Tool::Redis);
        let missing: Vec<_> = tools
            .chain(redis)
            .chain(postgres)
            .filter_map(Tool::missing)
            .collect();
        (!missing.is_empty()).then(|| missing.join("; "))
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Waits for the recovery: earlier events are delivered, a new event is delivered, and the sender is
/// ready.
async fn recover(world: &World, past: &[Past], probe: &Probe, outcome: &mut Outcome) {
    for fault in past {
        outcome.failures.extend(fault.failures.iter().cloned());
    }
    let ended = Instant::now();
    let recovered = || {
        world.config.endpoints.iter().all(|endpoint| {
            ![HEALTHY, NAMED].contains(&endpoint.id)
                || (world.ledger.outstanding(endpoint.id, ended) == 0
                    && world.ledger.delivered_since(endpoint.id, ended))
        }) && probe.is_ready(ended)
    };
    if wait_until(RECOVERY, recovered).await {
        outcome.recovered = Some(ended.elapsed());
        return;
    }
    let outstanding = world.ledger.outstanding(HEALTHY, ended);
    let fresh = world.ledger.delivered_since(HEALTHY, ended);
    let ready = probe.is_ready(ended);
    outcome.fail(format!(
        "not recovered after {RECOVERY:?}: {outstanding} events outstanding, {}, {}",
        if fresh {
            "new ones are delivered"
        } else {
            "no new one is delivered"
        },
        if ready { "ready" } else { "not ready" },
    ));
}

/// Waits until all accepted events are delivered. The reconciliation reports the others.
async fn drained(world: &World, outcome: &mut Outcome) {
    let stopped = Instant::now();
    let endpoints = || {
        let ids = world.config.endpoints.iter().map(|endpoint| endpoint.id);
        ids.filter(|id| [HEALTHY, NAMED].contains(id))
    };
    let empty = || endpoints().all(|id| world.ledger.outstanding(id, stopped) == 0);
    // A cell that has not recovered has already waited.
    let limit = if outcome.recovered.is_some() {
        RECOVERY + LEASE
    } else {
        LEASE
    };
    wait_until(limit, empty).await;
}

/// Checks that `/readyz` returned 200 only while the sender worked.
fn check_ready(world: &World, past: &[Past], probe: &Probe, outcome: &mut Outcome) {
    for Past {
        fault,
        start,
        complete,
        end,
        ..
    } in past
    {
        let profile = fault.profile();
        if !profile.stops_work {
            continue;
        }
        let ready = probe.ready_between(*complete, *end);
        outcome.check(ready == 0, || {
            format!(
                "`/readyz` returned 200 {ready} times during `{}`",
                profile.name
            )
        });
        let long = profile.hold > Duration::from_secs(4);
        outcome.check(!long || probe.unready_between(*start, *end), || {
            format!("`/readyz` never returned 503 during `{}`", profile.name)
        });
    }
    let excused = past.iter().any(|past| past.fault.profile().stops_receiver);
    if !excused && let Some(idle) = idle(world, probe) {
        let seconds = idle.as_secs_f64();
        outcome.fail(format!(
            "nothing was delivered for {seconds:.1} s while `/readyz` returned 200"
        ));
    }
}

/// Returns the longest time without a delivery during which `/readyz` returned 200 only, if it exceeds
/// the limit. Traffic is steady, so that a delivery is always due.
fn idle(world: &World, probe: &Probe) -> Option<Duration> {
    let moments = world.ledger.moments(HEALTHY);
    let gaps = moments.windows(2).map(|pair| (pair[0], pair[1]));
    let too_long = gaps.filter(|(from, to)| *to - *from > IDLE && probe.always_ready(*from, *to));
    too_long.map(|(from, to)| to - from).max()
}

/// Checks that no sender has ended by itself.
fn alive(world: &mut World) -> Result<()> {
    for sender in &mut world.senders {
        if let Some(status) = sender.ended() {
            let log = world.launch.log_end(&sender.name);
            bail!("sender `{}` ended by itself, {status}; {log}", sender.name);
        }
    }
    Ok(())
}

/// Checks that SIGTERM stops every sender in time, with exit code 0.
async fn stop(world: &mut World, outcome: &mut Outcome) {
    for sender in &mut world.senders {
        match sender.end(Signal::TERM, STOP).await {
            Ok(ended) => {
                outcome.stopped = outcome.stopped.max(Some(ended.took));
                outcome.check(ended.status.success(), || {
                    format!(
                        "SIGTERM: sender `{}` ended with {}",
                        sender.name, ended.status
                    )
                });
            }
            Err(error) => outcome.fail(format!("SIGTERM: {error:#}")),
        }
    }
}

/// Returns the FNV-1a hash, which is stable across builds, so that seeds keep their meaning.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
