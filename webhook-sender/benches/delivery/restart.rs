//! The time until everything is delivered after `kill -9`.

use std::collections::HashSet;
use std::time::Instant;

use anyhow::{Result, ensure};
use tokio::time::timeout;

use crate::for_each_store;
use crate::publish::{Batch, to_api, to_stream};
use crate::receiver::Receiver;
use crate::sender::{Setting, Store, TIMEOUT};
use crate::tables::Table;

const EVENTS: usize = 5000;
/// The number of arrivals at which the sender is killed.
const KILLED_AT: usize = 1000;

/// The results.
struct Run {
    seconds: f64,
    duplicates: usize,
}

pub async fn measure(receiver: &Receiver) -> Result<Table> {
    let runs = for_each_store(|store| run(receiver, store)).await?;
    let row = |name: &str, cell: &dyn Fn(&Run) -> String| {
        [vec![name.to_owned()], runs.iter().map(cell).collect()].concat()
    };
    Ok(Table {
        heading: "After kill -9 in the middle of 5,000 deliveries",
        note: "From starting the sender again to the last delivery; the receiver responds after 20 ms.",
        rows: vec![
            Store::head(),
            row("seconds until all are delivered", &|run| {
                format!("{:.2}", run.seconds)
            }),
            row("lost", &|_| "0".into()),
            row("duplicates", &|run| run.duplicates.to_string()),
        ],
    })
}

async fn run(receiver: &Receiver, store: Store) -> Result<Run> {
    let url = receiver.url("/gated-later");
    let tenants = format!(
        "[[tenant]]\nid = \"acme\"\n[[tenant.endpoint]]\nid = \"orders\"\nurl = \"{url}\"\n\
         events = [\"*\"]\nsecret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\n"
    );
    let setting = Setting::new(store, &tenants).await?;
    let batch = Batch::of(EVENTS);
    receiver.open(false);
    let sender = setting.start()?;
    if store.has_stream() {
        to_stream(&setting, batch).await?;
    } else {
        to_api(&sender, batch).await?;
    }
    receiver.open(true);
    receiver.responded(KILLED_AT).await;
    sender.kill()?;
    let start = Instant::now();
    let _sender = setting.start()?;
    let mut seen = HashSet::new();
    let mut duplicates = 0;
    let mut count = KILLED_AT;
    while seen.len() < EVENTS {
        let responded = timeout(TIMEOUT, receiver.responded(count)).await;
        ensure!(responded.is_ok(), "{} of {EVENTS} arrived", seen.len());
        for arrival in receiver.take() {
            duplicates += usize::from(!seen.insert(arrival.number));
        }
        count = 1;
    }
    Ok(Run {
        seconds: start.elapsed().as_secs_f64(),
        duplicates,
    })
}
