//! Signals at every moment of start, reload and stop.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rand::RngExt;
use rustix::process::Signal;
use tokio::time::sleep;

use crate::sender::{Ended, Sender};
use crate::world::{STOP, World};

/// The number of rounds.
const ROUNDS: usize = 8;

/// The last moment of a start, in milliseconds after signals are handled.
const START: u64 = 800;

/// The processor time after which a process must handle signals, in ticks of 10 ms.
const SIGNAL_SETUP_TICKS: u64 = 25;

/// The time limit for a second signal to end a process.
const AT_ONCE: Duration = Duration::from_secs(2);

const STOPS: [Signal; 2] = [Signal::TERM, Signal::INT];

pub async fn stop_at_start(world: &mut World) -> Result<()> {
    world.stop_sender(0).await?;
    let mut stopped = Ok(());
    for round in 0..ROUNDS {
        stopped = stopped.and(stop_while_starting(world, STOPS[round % 2]).await);
    }
    world.start_sender(0).await?;
    stopped
}

pub async fn stop_without_store(world: &mut World) -> Result<()> {
    world.stop_sender(0).await?;
    world.store_mut().stall();
    let mut stopped = Ok(());
    for signal in STOPS {
        stopped = stopped.and(stop_while_starting(world, signal).await);
    }
    world.store_mut().unstall();
    world.start_sender(0).await?;
    stopped
}

pub async fn stop_without_name(world: &mut World) -> Result<()> {
    let second = world.launch.spawn(&world.senders[0].name)?;
    handles(&second, Signal::TERM).await?;
    sleep(Duration::from_secs(1)).await;
    stop_in_time(second, Signal::TERM).await
}

pub async fn reload_at_start(world: &mut World) -> Result<()> {
    world.stop_sender(0).await?;
    let mut started = Ok(());
    for _ in 0..ROUNDS / 2 {
        started = started.and(reload_while_starting(world).await);
    }
    world.start_sender(0).await?;
    started
}

/// Starts a sender, sends SIGHUP at a random time, and stops it once it listens.
async fn reload_while_starting(world: &mut World) -> Result<()> {
    let mut sender = world.launch.spawn(&world.name(0))?;
    handles(&sender, Signal::HUP).await?;
    sleep(world.moment(START)).await;
    sender.signal(Signal::HUP)?;
    ensure!(
        sender.listening(STOP * 2).await?,
        "it does not start after SIGHUP"
    );
    stop_in_time(sender, Signal::TERM).await
}

pub async fn reload_under_load(world: &mut World) -> Result<()> {
    for _ in 0..20 {
        world.senders[0].signal(Signal::HUP)?;
        sleep(Duration::from_millis(150)).await;
    }
    Ok(())
}

pub async fn stop_during_reload(world: &mut World) -> Result<()> {
    for round in 0..ROUNDS / 2 {
        world.senders[0].signal(Signal::HUP)?;
        sleep(world.moment(100)).await;
        world.withdraw(0);
        let ended = world.senders[0].end(STOPS[round % 2], STOP).await;
        world.start_sender(0).await?;
        succeeded(STOPS[round % 2], ended?)?;
    }
    Ok(())
}

pub async fn signal_during_stop(world: &mut World) -> Result<()> {
    world.withdraw(0);
    let stopped = hang_up_until_ended(&mut world.senders[0]).await;
    world.start_sender(0).await?;
    stopped?;
    world.withdraw(0);
    world.senders[0].signal(Signal::TERM)?;
    sleep(world.moment(30)).await;
    // The first signal may have ended the process already.
    let _ = world.senders[0].signal(Signal::TERM);
    let ended = world.senders[0].wait(AT_ONCE).await;
    world.start_sender(0).await?;
    ended.map(drop)
}

async fn hang_up_until_ended(sender: &mut Sender) -> Result<()> {
    sender.signal(Signal::TERM)?;
    let start = Instant::now();
    while start.elapsed() < STOP {
        if let Some(status) = sender.ended() {
            let took = start.elapsed();
            return succeeded(Signal::HUP, Ended { status, took });
        }
        let _ = sender.signal(Signal::HUP);
        sleep(Duration::from_millis(5)).await;
    }
    bail!("it has not ended after {STOP:?}")
}

/// Starts a sender, and stops it at a random time.
async fn stop_while_starting(world: &mut World, signal: Signal) -> Result<()> {
    let sender = world.launch.spawn(&world.name(0))?;
    handles(&sender, signal).await?;
    sleep(world.moment(START)).await;
    stop_in_time(sender, signal).await
}

async fn stop_in_time(mut sender: Sender, signal: Signal) -> Result<()> {
    succeeded(signal, sender.end(signal, STOP).await?)
}

fn succeeded(signal: Signal, ended: Ended) -> Result<()> {
    ensure!(
        ended.status.success(),
        "{signal:?}: it ended with {}",
        ended.status
    );
    Ok(())
}

/// Waits until the process handles `signal`.
async fn handles(sender: &Sender, signal: Signal) -> Result<()> {
    let pid = sender.pid().context("the sender has ended")?;
    let pid = pid.as_raw_nonzero();
    loop {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = u64::from_str_radix(caught.context("no `SigCgt`")?.trim(), 16)?;
        if caught & (1 << (signal.as_raw() - 1)) != 0 {
            return Ok(());
        }
        let used = ticks(&std::fs::read_to_string(format!("/proc/{pid}/stat"))?)?;
        ensure!(
            used < SIGNAL_SETUP_TICKS,
            "it does not handle {signal:?} after {used}0 ms of processor time"
        );
        sleep(Duration::from_millis(1)).await;
    }
}

/// Returns the processor time of a process in ticks, from `/proc/PID/stat`.
fn ticks(stat: &str) -> Result<u64> {
    let (_, after_name) = stat.rsplit_once(')').context("no name")?;
    let fields: Vec<_> = after_name.split_whitespace().collect();
    let field = |index: usize| fields.get(index).context("too few fields");
    Ok(field(11)?.parse::<u64>()? + field(12)?.parse::<u64>()?)
}

impl World {
    /// Returns a random duration below the given number of milliseconds.
    fn moment(&mut self, milliseconds: u64) -> Duration {
        Duration::from_millis(self.rng.random_range(0..milliseconds))
    }
}
