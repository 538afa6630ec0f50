//! Faults of the connections to PostgreSQL.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use test_support::postgres::PostgresServer;
use tokio::time::sleep;
use tokio_postgres::{Client, NoTls};

use crate::world::World;

/// The time for which connections are ended.
const ENDING: Duration = Duration::from_secs(3);

/// The time limit for taking every connection.
const TAKING: Duration = Duration::from_secs(10);

/// Selects the number of connections that the server accepts.
const LIMIT: &str = "SELECT current_setting('max_connections')::int";

/// Selects the sender's connections, and ends them.
const END: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE application_name = 'webhook-sender'";

/// Ends the sender's connections and takes their places, until other clients have all of them. A
/// connection that is being authenticated is not listed yet, so only the number of its own shows that
/// none is left to the sender.
pub async fn take_all(world: &mut World) -> Result<()> {
    let began = Instant::now();
    let control = connect(world.store_mut().postgres()?).await;
    let control = control.context("the server has no connection")?;
    let all: i32 = control.query_one(LIMIT, &[]).await?.get(0);
    while world.holders.len() + 1 < usize::try_from(all)? {
        if began.elapsed() > TAKING {
            bail!("the sender still has connections after {TAKING:?}");
        }
        control.execute(END, &[]).await?;
        while let Ok(client) = connect(world.store_mut().postgres()?).await {
            world.holders.push(client);
        }
    }
    world.holders.push(control);
    Ok(())
}

/// Ends connections of the sender at random.
pub async fn end_at_random(world: &mut World) -> Result<()> {
    let control = connect(world.store_mut().postgres()?).await?;
    let end = format!("{END} AND random() < 0.4");
    let (began, mut count) = (Instant::now(), 0);
    while began.elapsed() < ENDING {
        count += control.query_one(&end, &[]).await?.get::<_, i64>(0);
        sleep(Duration::from_millis(100)).await;
    }
    anyhow::ensure!(count > 0, "no connection was ended");
    Ok(())
}

/// Returns a connection. It ends when it is dropped.
async fn connect(server: &PostgresServer) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(&server.url(), NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
