//! The throughput of a backlog, and its cost in CPU time and memory.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use tokio::time::timeout;

use crate::publish::{Batch, to_api, to_stream};
use crate::receiver::Receiver;
use crate::sender::{Setting, Store, TIMEOUT};
use crate::tables::Table;
use crate::{BACKLOG, ceiling, for_each_store};

/// The results of one backlog.
pub struct Run {
    /// Deliveries per second.
    pub rate: f64,
    /// CPU seconds of the sender and the store's server for 1,000 deliveries.
    pub cpu: f64,
    /// The peak memory of the sender in MiB.
    pub memory: f64,
}

pub async fn measure(receiver: &Receiver) -> Result<Table> {
    let top = ceiling::posts_a_second(receiver, "/now", 64, 4 * BACKLOG).await?;
    let top_later = ceiling::posts_a_second(receiver, "/later", 512, 2 * BACKLOG).await?;
    let at_once = for_each_store(|store| one_endpoint(receiver, store, "")).await?;
    let later = for_each_store(|store| one_endpoint(receiver, store, "later")).await?;
    let row = |name: &str, value: &dyn Fn(&Run) -> String, runs: &[Run], top: String| {
        let mut row = vec![name.to_owned()];
        row.extend(runs.iter().map(value));
        row.push(top);
        row
    };
    let rates = |name: &str, runs: &[Run], top: f64| {
        let cell = |run: &Run| {
            let share = 100.0 * run.rate / top;
            format!("{:.0} ({share:.0} % of the ceiling)", run.rate)
        };
        row(name, &cell, runs, format!("{top:.0}"))
    };
    Ok(Table {
        heading: "A backlog of 20,000 deliveries",
        note: "One tenant, one endpoint, bodies of 1 KiB. With Redis the backlog is on the stream when \
               the sender starts; with the others it is published through the API while the receiver \
               withholds its responses, and the CPU time includes that. The ceiling is a bare client that \
               signs and posts the same bodies.",
        rows: vec![
            [Store::head(), vec!["ceiling".into()]].concat(),
            rates("deliveries a second, receiver at once", &at_once, top),
            rates("the same, receiver after 20 ms", &later, top_later),
            row(
                "CPU seconds per 1,000 deliveries",
                &|run| format!("{:.3}", run.cpu),
                &at_once,
                String::new(),
            ),
            row(
                "peak memory of the sender, MiB",
                &|run| format!("{:.0}", run.memory),
                &at_once,
                String::new(),
            ),
        ],
    })
}

async fn one_endpoint(receiver: &Receiver, store: Store, response: &str) -> Result<Run> {
    let (tenants, batch) = (tenants(receiver, store, response), Batch::of(BACKLOG));
    let setting = Setting::new(store, &tenants).await?;
    run(receiver, &setting, store, batch).await
}

/// Delivers the backlog of one endpoint with the senders of another build.
pub async fn by_program(receiver: &Receiver, store: Store, program: &Path) -> Result<Run> {
    let setting = Setting::new(store, &tenants(receiver, store, "")).await?;
    let setting = setting.with_program(program)?;
    run(receiver, &setting, store, Batch::of(BACKLOG)).await
}

/// Returns the configuration of one tenant with one endpoint.
pub fn tenants(receiver: &Receiver, store: Store, response: &str) -> String {
    let gate = if store.has_stream() { "now" } else { "gated" };
    let path = format!("/{gate}-{response}");
    let url = receiver.url(&path);
    format!(
        "[[tenant]]\nid = \"acme\"\n[[tenant.endpoint]]\nid = \"orders\"\nurl = \"{url}\"\n\
         events = [\"*\"]\nsecret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\n"
    )
}

/// Delivers `batch` as a backlog to the endpoints of the setting.
pub async fn run(
    receiver: &Receiver,
    setting: &Setting,
    store: Store,
    batch: Batch,
) -> Result<Run> {
    let count = batch.to - batch.from;
    receiver.open(false);
    if store.has_stream() {
        to_stream(setting, batch).await?;
    }
    let store_cpu = setting.store_cpu()?;
    let sender = setting.start()?;
    // With a backlog on the stream, delivery begins with the start.
    let mut start_cpu = 0.0;
    if !store.has_stream() {
        start_cpu = sender.cpu()?;
        to_api(&sender, batch).await?;
    }
    let opened = Instant::now();
    receiver.open(true);
    timeout(TIMEOUT, receiver.responded(count))
        .await
        .with_context(|| format!("{} of {count} arrived", receiver.count()))?;
    let arrivals = receiver.take();
    let start = if store.has_stream() {
        arrivals.iter().map(|arrival| arrival.at).min()
    } else {
        Some(opened)
    };
    let end = arrivals.iter().map(|arrival| arrival.at).max();
    let took = end
        .context("arrivals")?
        .duration_since(start.context("arrivals")?);
    let cpu = sender.cpu()? - start_cpu + setting.store_cpu()? - store_cpu;
    Ok(Run {
        rate: count as f64 / took.as_secs_f64(),
        cpu: cpu * 1000.0 / count as f64,
        memory: sender.peak_memory()?,
    })
}
