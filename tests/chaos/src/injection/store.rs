//! Faults of the store.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::server::Server;
use crate::store::{at_source, command};
use crate::world::World;
use anyhow::{Context, Result};

/// The maximum replication lag on the same machine.
const REPLICATION: Duration = Duration::from_millis(500);

/// Kills a server that its column has as store.
pub fn kill(server: &mut Server) -> Result<()> {
    server.kill();
    Ok(())
}

pub fn freeze(server: &Server) -> Result<()> {
    server.stall();
    Ok(())
}

pub fn thaw(server: &Server) -> Result<()> {
    server.unstall();
    Ok(())
}

pub async fn fill(world: &mut World) -> Result<()> {
    match (&world.disk, &world.store) {
        (_, Some(Server::Redis(redis))) => command(redis, &["CONFIG", "SET", "maxmemory", "1"])
            .await
            .map(drop),
        (Some(disk), _) => disk.fill(),
        (None, _) => anyhow::bail!("there is no small file system"),
    }
}

pub async fn make_room(world: &mut World) -> Result<()> {
    match (&world.disk, &mut world.store) {
        (_, Some(Server::Redis(redis))) => command(redis, &["CONFIG", "SET", "maxmemory", "0"])
            .await
            .map(drop),
        (Some(disk), store) => {
            disk.free()?;
            // PostgreSQL ends if it cannot write its log.
            if let Some(Server::Postgres(postgres)) = store {
                postgres.restart_if_ended().await;
            }
            Ok(())
        }
        (None, _) => Ok(()),
    }
}

pub async fn flush(world: &mut World) -> Result<()> {
    command(world.store_mut().redis()?, &["FLUSHALL"]).await?;
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
    command(world.store_mut().redis()?, &words).await.map(drop)
}

pub async fn make_primary(world: &mut World) -> Result<()> {
    let words = ["REPLICAOF", "NO", "ONE"];
    command(world.store_mut().redis()?, &words).await.map(drop)
}

pub async fn want_replicas(world: &mut World, count: &str) -> Result<()> {
    let words = ["CONFIG", "SET", "min-replicas-to-write", count];
    command(world.store_mut().redis()?, &words).await.map(drop)
}

/// Kills the primary. Its last writes may not have reached the replica of a Redis.
pub fn fail(world: &mut World) -> Result<()> {
    world.store_mut().kill();
    let killed = Instant::now();
    let from = killed.checked_sub(REPLICATION).unwrap_or(killed);
    if world.column.is_redis() {
        world.ledger.forgive_between(from, killed);
    }
    Ok(())
}

/// Promotes the replica and redirects the address of the store to it.
pub async fn promote(world: &mut World) -> Result<()> {
    let replica = world.replica.take().context("there is no replica")?;
    match &replica {
        Server::Redis(redis) => {
            command(redis, &["REPLICAOF", "NO", "ONE"]).await?;
        }
        Server::Postgres(standby) => standby.promote(),
    }
    let link = world.link.as_ref().context("there is no link")?;
    link.redirect(replica.address());
    world.store = Some(replica);
    Ok(())
}

/// Redirects the address of the store to its replica, which stays one.
pub fn redirect_to_replica(world: &World) -> Result<()> {
    redirect(world, world.replica.as_ref())
}

pub fn redirect_to_primary(world: &World) -> Result<()> {
    redirect(world, world.store.as_ref())
}

fn redirect(world: &World, to: Option<&Server>) -> Result<()> {
    let link = world.link.as_ref().context("there is no link")?;
    link.redirect(to.context("there is no such server")?.address());
    Ok(())
}
