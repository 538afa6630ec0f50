//! Faults of the machine, and of who operates it.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rand::RngExt;
use rustix::process::Signal;

use crate::config::{HEALTHY, MAX_BODY};
use crate::store::TIMEOUT;
use crate::traffic::{add, connect, wait_until};
use crate::world::World;

/// The data of a process with little memory, in bytes.
pub const MEMORY: u64 = 192 << 20;

/// The number of large entries that wait together. They do not fit in [`MEMORY`].
const LARGE: usize = 28;

/// The text of a large entry: its data is a little smaller than the largest.
const LARGE_TEXT: usize = MAX_BODY - 4096;

/// The time limit for their delivery.
const LARGE_LIMIT: Duration = Duration::from_secs(60);

/// The time limit for a start with many endpoints.
const START: Duration = Duration::from_secs(10);

/// Kills one of several senders, but never the first one, which is observed.
pub async fn kill_one(world: &mut World) -> Result<()> {
    let index = world.rng.random_range(1..world.senders.len());
    world.kill_sender(index).await?;
    world.senders.remove(index);
    Ok(())
}

pub fn limit_descriptors(world: &mut World) -> Result<()> {
    let pid = world.pid()?;
    let open = std::fs::read_dir(format!("/proc/{pid}/fd"))?.count();
    set_descriptors(&pid, open + 2)
}

pub fn restore_descriptors(world: &mut World) -> Result<()> {
    set_descriptors(&world.pid()?, 1024)
}

/// Sets the soft limit. The hard one stays.
fn set_descriptors(pid: &str, soft: usize) -> Result<()> {
    let status = Command::new("prlimit")
        .args(["--pid", pid, &format!("--nofile={soft}:")])
        .status();
    ensure!(
        status.context("cannot run `prlimit`")?.success(),
        "prlimit failed"
    );
    Ok(())
}

/// Adds large entries to the stream while no sender reads it, so that all of them wait together. The
/// fault ends when they are delivered.
pub async fn add_large(world: &mut World) -> Result<()> {
    world.stop_sender(0).await?;
    let added = add_all(world).await;
    let all = Instant::now();
    world.start_sender(0).await?;
    added?;
    let delivered = || world.ledger.outstanding(HEALTHY, all) == 0;
    ensure!(
        wait_until(LARGE_LIMIT, delivered).await,
        "the large entries are not delivered after {LARGE_LIMIT:?}"
    );
    Ok(())
}

async fn add_all(world: &World) -> Result<()> {
    let stream = world.stream().context("the world has no stream")?;
    let connection = connect(&stream.url, TIMEOUT).await;
    let mut connection = connection.context("redis-server does not respond")?;
    for _ in 0..LARGE {
        let number = world.ledger.begin();
        let entry = add(&mut connection, &stream, number, LARGE_TEXT).await?;
        world.ledger.accepted(number, Some(entry));
    }
    Ok(())
}

/// Replaces the configuration file's text, and sends SIGHUP.
pub fn reload_with(world: &mut World, text: &str) -> Result<()> {
    let sender = &world.senders[0];
    let file = world.launch.folder.join(format!("{}.toml", sender.name));
    std::fs::write(file, text)?;
    sender.signal(Signal::HUP)
}

/// Cuts the file within its last table or after a line of it, like an unfinished copy.
pub fn reload_cut(world: &mut World) -> Result<()> {
    let text = world.config.text(&world.senders[0].name);
    let tenant = text.find("[[tenant]]").context("the file has no tenant")?;
    let mut end = world.rng.random_range(tenant..text.len());
    if world.rng.random() {
        end = text[..end].rfind('\n').map_or(end, |line| line + 1);
    }
    reload_with(world, &text[..end])
}

/// Kills the sender, and starts it again.
pub async fn restart_in_time(world: &mut World) -> Result<()> {
    world.kill_sender(0).await?;
    world.start_sender(0).await?;
    let took = world.senders[0].age();
    ensure!(took < START, "the start took {:.1} s", took.as_secs_f64());
    Ok(())
}
