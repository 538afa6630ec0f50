//! Faults of the store and of the stream's server.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use test_support::redis::RedisServer;

use crate::store::{at_source, command};
use crate::world::World;

/// The maximum replication lag on the same machine.
const REPLICATION: Duration = Duration::from_millis(500);

pub fn kill(server: &mut RedisServer) -> Result<()> {
    server.kill();
    Ok(())
}

pub fn freeze(server: &mut RedisServer) -> Result<()> {
    server.stall();
    Ok(())
}

pub fn thaw(server: &mut RedisServer) -> Result<()> {
    server.unstall();
    Ok(())
}

pub async fn fill(world: &mut World) -> Result<()> {
    match (&world.disk, &world.store) {
        (_, Some(redis)) => command(redis, &["CONFIG", "SET", "maxmemory", "1"])
            .await
            .map(drop),
        (Some(disk), None) => disk.fill(),
        (None, None) => anyhow::bail!("there is no small file system"),
    }
}

pub async fn make_room(world: &mut World) -> Result<()> {
    match (&world.disk, &world.store) {
        (_, Some(redis)) => command(redis, &["CONFIG", "SET", "maxmemory", "0"])
            .await
            .map(drop),
        (Some(disk), None) => disk.free(),
        (None, None) => Ok(()),
    }
}

pub async fn flush(world: &mut World) -> Result<()> {
    command(world.store_mut(), &["FLUSHALL"]).await?;
    forgive(world).await
}

/// Kills a server without persistence.
pub async fn empty(world: &mut World) -> Result<()> {
    world.store_mut().kill();
    forgive(world).await
}

/// Forgives the events that the store has lost: all except those that are still at their source.
async fn forgive(world: &mut World) -> Result<()> {
    let lost = Instant::now();
    let kept = match &world.source {
        Some(source) => at_source(source).await?,
        None => HashSet::new(),
    };
    world.ledger.forgive(lost, &kept);
    Ok(())
}

/// Makes the server a replica of a missing primary: it keeps its data and refuses writes.
pub async fn make_replica(world: &mut World) -> Result<()> {
    let words = ["REPLICAOF", "127.0.0.1", "1"];
    command(world.store_mut(), &words).await.map(drop)
}

pub async fn make_primary(world: &mut World) -> Result<()> {
    let words = ["REPLICAOF", "NO", "ONE"];
    command(world.store_mut(), &words).await.map(drop)
}

pub async fn want_replicas(world: &mut World, count: &str) -> Result<()> {
    let words = ["CONFIG", "SET", "min-replicas-to-write", count];
    command(world.store_mut(), &words).await.map(drop)
}

/// Kills the primary. Its last writes may not have reached the replica.
pub fn fail(world: &mut World) -> Result<()> {
    world.store_mut().kill();
    let killed = Instant::now();
    let from = killed.checked_sub(REPLICATION).unwrap_or(killed);
    world.ledger.forgive_between(from, killed);
    Ok(())
}

/// Promotes the replica and redirects the address of the store to it.
pub async fn promote(world: &mut World) -> Result<()> {
    let replica = world.replica.take().context("there is no replica")?;
    command(&replica, &["REPLICAOF", "NO", "ONE"]).await?;
    let link = world.link.as_ref().context("there is no link")?;
    link.redirect(replica.address());
    world.store = Some(replica);
    Ok(())
}
