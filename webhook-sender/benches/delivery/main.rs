//! Throughput and cost of deliveries, and isolation between endpoints.
//!
//! Measures a real sender process with a real store and a receiver on loopback, all on the same
//! machine; the ceiling is measured in the same run. Prints its tables and writes them to
//! `benchmarks/SENDER.md`. Arguments select measurements by their names. If `COMPARE_WITH` is the
//! path of another build, such as that of the previous commit, the two are compared instead.

mod backlog;
mod ceiling;
mod compare;
mod endpoints;
mod isolation;
mod latency;
mod listing;
mod outbox;
mod pages;
mod publish;
mod queues;
mod receiver;
mod restart;
mod sender;
mod slow_tenant;
mod startup;
mod stored;
mod tables;
mod workload;

use anyhow::Result;
use receiver::Receiver;
use sender::Store;
use tables::Tables;

/// The number of events in the backlog.
const BACKLOG: usize = 20_000;

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() -> Result<()> {
    // Cargo adds `--bench`.
    let only: Vec<_> = std::env::args()
        .skip(1)
        .filter(|it| !it.starts_with('-'))
        .collect();
    let wanted = |name: &str| only.is_empty() || only.iter().any(|only| name.starts_with(only));
    let receiver = Receiver::start();
    let mut tables = Tables::new();
    if let Some(other) = std::env::var_os("COMPARE_WITH") {
        tables.add(compare::measure(&receiver, other.as_ref()).await?);
        return Ok(());
    }
    if wanted("backlog") {
        tables.add(backlog::measure(&receiver).await?);
    }
    if wanted("endpoints") {
        tables.add(endpoints::measure(&receiver).await?);
    }
    if wanted("latency") {
        tables.add(latency::measure(&receiver).await?);
    }
    if wanted("queues") {
        tables.add(queues::measure(&receiver).await?);
    }
    if wanted("outbox") {
        tables.add(outbox::measure(&receiver).await?);
    }
    if wanted("listing") {
        tables.add(listing::measure(&receiver).await?);
    }
    if wanted("pages") {
        for table in pages::measure(&receiver).await? {
            tables.add(table);
        }
    }
    if wanted("isolation") {
        tables.add(isolation::measure(&receiver).await?);
    }
    if wanted("slow-tenant") {
        tables.add(slow_tenant::measure(&receiver).await?);
    }
    if wanted("restart") {
        tables.add(restart::measure(&receiver).await?);
    }
    if wanted("stored") {
        for table in stored::measure(&receiver).await? {
            tables.add(table);
        }
    }
    if wanted("growth") {
        tables.add(stored::measure_growth(&receiver).await?);
    }
    if wanted("startup") {
        tables.add(startup::measure().await?);
    }
    // Partial results would be mistaken for complete ones.
    if only.is_empty() {
        tables.write()?;
    }
    Ok(())
}

/// Measures one value per store.
pub async fn for_each_store<T, F>(mut measure: impl FnMut(Store) -> F) -> Result<Vec<T>>
where
    F: Future<Output = Result<T>>,
{
    let mut values = Vec::new();
    for store in Store::ALL {
        values.push(measure(store).await?);
    }
    Ok(values)
}
