//! The time from publishing an event to its arrival, at a rate that leaves the machine mostly idle.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::time::timeout;

use crate::for_each_store;
use crate::publish::{Batch, Publisher};
use crate::receiver::{Arrival, Receiver};
use crate::sender::{Sender, Setting, Store, TIMEOUT};
use crate::tables::Table;
use crate::workload::{medians, quantile};

/// 100 events per second.
const PERIOD: Duration = Duration::from_millis(10);
const EVENTS: usize = 1000;
const ROUNDS: usize = 3;
/// Not counted: the first events open connections and fill caches.
const WARM_UP: usize = 100;

pub async fn measure(receiver: &Receiver) -> Result<Table> {
    let (mut halves, mut most) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut runs = for_each_store(|store| run(receiver, store)).await?;
        let mut of = |part| runs.iter_mut().map(|times| quantile(times, part)).collect();
        halves.push(of(0.5));
        most.push(of(0.99));
    }
    let row = |name: &str, rounds: &[Vec<f64>]| {
        let cells = medians(rounds).into_iter().map(|ms| format!("{ms:.2} ms"));
        [vec![name.to_owned()], cells.collect()].concat()
    };
    Ok(Table {
        heading: "From publishing to arrival, 100 events a second",
        note: "One tenant, one endpoint, bodies of 1 KiB; published on the stream with Redis, through \
               the API with the others. The median of three rounds: a single p99 is one pause of the \
               machine.",
        rows: vec![Store::head(), row("p50", &halves), row("p99", &most)],
    })
}

async fn run(receiver: &Receiver, store: Store) -> Result<Vec<f64>> {
    let url = receiver.url("/now");
    let tenants = format!(
        "[[tenant]]\nid = \"acme\"\n[[tenant.endpoint]]\nid = \"orders\"\nurl = \"{url}\"\n\
         events = [\"*\"]\nsecret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\n"
    );
    let setting = Setting::new(store, &tenants).await?;
    let sender = setting.start()?;
    let batch = Batch::of(EVENTS);
    let published = publish_evenly(&setting, &sender, batch, PERIOD).await?;
    timeout(TIMEOUT, receiver.responded(EVENTS))
        .await
        .context("arrivals")?;
    Ok(times(&published, &receiver.take()))
}

/// Publishes a batch, one event per `period`, and returns the time of each.
pub async fn publish_evenly(
    setting: &Setting,
    sender: &Sender,
    batch: Batch,
    period: Duration,
) -> Result<Vec<Instant>> {
    let mut publisher = Publisher::to(setting, sender).await?;
    let mut published = Vec::new();
    let mut ticks = tokio::time::interval(period);
    for number in batch.from..batch.to {
        ticks.tick().await;
        published.push(Instant::now());
        publisher.publish(batch, number).await?;
    }
    Ok(published)
}

/// Returns the milliseconds of each event except the first ones.
pub fn times(published: &[Instant], arrivals: &[Arrival]) -> Vec<f64> {
    let time = |arrival: &Arrival| {
        let published = published.get(arrival.number as usize)?;
        let warm = arrival.number as usize >= WARM_UP;
        warm.then(|| arrival.at.duration_since(*published).as_secs_f64() * 1000.0)
    };
    arrivals.iter().filter_map(time).collect()
}
