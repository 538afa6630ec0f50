//! An outbox in the database of the store: from the commit of a row to its arrival, and the rate of thirty
//! writers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use event_sources::postgres_outbox::Table as Outbox;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_postgres::{Client, NoTls, Statement};

use crate::latency::times;
use crate::receiver::Receiver;
use crate::sender::{Setting, Store, TIMEOUT};
use crate::tables::Table;
use crate::workload::{self, medians, quantile};

/// 100 rows per second.
const PERIOD: Duration = Duration::from_millis(10);
const ROWS: usize = 1000;
const ROUNDS: usize = 3;

const WRITERS: usize = 30;
/// Each in a transaction of its own.
const WRITTEN: usize = 20_000;

const INSERT: &str = "INSERT INTO webhook_outbox (tenant, type, event_id, data)
    VALUES ('acme', 'order.shipped', $1, $2::text::json)";

pub async fn measure(receiver: &Receiver) -> Result<Table> {
    let (mut latencies, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut times = commit_to_arrival(receiver).await?;
        latencies.push(vec![quantile(&mut times, 0.5), quantile(&mut times, 0.99)]);
        rates.push(vec![thirty_writers(receiver).await?]);
    }
    let latency = medians(&latencies);
    let [half, most] = latency[..] else {
        anyhow::bail!("two quantiles")
    };
    let rate = medians(&rates).into_iter().next().context("a rate")?;
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    Ok(Table {
        heading: "Outbox in PostgreSQL",
        note: "Outbox and store in one database. One tenant, one endpoint, rows of 1 KiB; each row in a \
               transaction of its own. The median of three rounds.",
        rows: vec![
            row("", "PostgreSQL".into()),
            row(
                "commit to arrival, 100 rows a second, p50",
                format!("{half:.2} ms"),
            ),
            row("the same, p99", format!("{most:.2} ms")),
            row(
                "rows a second, inserted by thirty writers and delivered",
                format!("{rate:.0}"),
            ),
        ],
    })
}

/// Returns a store with an outbox, and a connection to it.
async fn set_up(receiver: &Receiver) -> Result<(Setting, String, Client)> {
    let url = receiver.url("/now");
    let tenants = format!(
        "[[tenant]]\nid = \"acme\"\n[[tenant.endpoint]]\nid = \"orders\"\nurl = \"{url}\"\n\
         events = [\"*\"]\nsecret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\n"
    );
    let setting = Setting::new(Store::Postgres, &tenants).await?;
    let server = setting.postgres.as_ref().context("a server")?;
    let database = server.url();
    setting.add(&format!(
        "[[source]]\nname = \"shop\"\nurl = \"{database}\"\n"
    ))?;
    let client = connect(&database).await?;
    let table = Outbox::new(Outbox::SCHEMA, Outbox::NAME)?;
    client.batch_execute(&table.ddl()).await?;
    Ok((setting, database, client))
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn insert(client: &Client, statement: &Statement, number: usize) -> Result<()> {
    let data = String::from_utf8(workload::data(number).to_vec())?;
    let id = workload::id(number);
    let inserted = client.execute(statement, &[&id, &data]).await?;
    ensure!(inserted == 1, "row {number} was not inserted");
    Ok(())
}

/// Returns the milliseconds from the end of each commit to the arrival of the row.
async fn commit_to_arrival(receiver: &Receiver) -> Result<Vec<f64>> {
    let (setting, _, client) = set_up(receiver).await?;
    let _sender = setting.start()?;
    let statement = client.prepare(INSERT).await?;
    let mut committed = Vec::with_capacity(ROWS);
    let mut ticks = tokio::time::interval(PERIOD);
    for number in 0..ROWS {
        ticks.tick().await;
        insert(&client, &statement, number).await?;
        committed.push(Instant::now());
    }
    timeout(TIMEOUT, receiver.responded(ROWS))
        .await
        .context("arrivals")?;
    Ok(times(&committed, &receiver.take()))
}

/// Returns the rows per second from the first insertion to the last arrival.
async fn thirty_writers(receiver: &Receiver) -> Result<f64> {
    let (setting, database, _) = set_up(receiver).await?;
    let _sender = setting.start()?;
    let next = Arc::new(AtomicUsize::new(0));
    let mut clients = Vec::new();
    for _ in 0..WRITERS {
        let client = connect(&database).await?;
        let statement = client.prepare(INSERT).await?;
        clients.push((client, statement));
    }
    let began = Instant::now();
    let mut writers = JoinSet::new();
    for (client, statement) in clients {
        let next = next.clone();
        writers.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= WRITTEN {
                    return anyhow::Ok(());
                }
                insert(&client, &statement, number).await?;
            }
        });
    }
    while let Some(writer) = writers.join_next().await {
        writer??;
    }
    timeout(TIMEOUT, receiver.responded(WRITTEN))
        .await
        .context("arrivals")?;
    let seconds = began.elapsed().as_secs_f64();
    receiver.take();
    Ok(WRITTEN as f64 / seconds)
}
