//! The effect on a healthy endpoint of one that takes ten seconds for each response.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::timeout;

use crate::for_each_store;
use crate::latency::times;
use crate::publish::{Batch, Publisher};
use crate::receiver::Receiver;
use crate::sender::{Setting, Store, TIMEOUT};
use crate::tables::Table;
use crate::workload::{medians, quantile};

/// 100 events per second for each endpoint.
const PERIOD: Duration = Duration::from_millis(10);
const EVENTS: usize = 2000;
const ROUNDS: usize = 3;

pub async fn measure(receiver: &Receiver) -> Result<Table> {
    let (mut alones, mut besides) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alones.push(for_each_store(|store| run(receiver, store, false)).await?);
        besides.push(for_each_store(|store| run(receiver, store, true)).await?);
    }
    let (alone, beside) = (medians(&alones), medians(&besides));
    let row = |name: &str, p99s: &[f64]| {
        let cells = p99s.iter().map(|p99| format!("{p99:.2} ms")).collect();
        [vec![name.to_owned()], cells].concat()
    };
    let ratio = |(alone, beside): (&f64, &f64)| format!("{:.2}", beside / alone);
    let ratios = alone.iter().zip(&beside).map(ratio).collect();
    Ok(Table {
        heading: "A healthy endpoint beside one that hangs",
        note: "p99 from publishing to arrival, 100 events a second for each endpoint, the other one \
               responding after 10 s: 1,000 of its requests hang at a time. The median of three rounds \
               by turns: a single p99 is one pause of the machine.",
        rows: vec![
            Store::head(),
            row("alone", &alone),
            row("beside it", &beside),
            [vec!["beside / alone".to_owned()], ratios].concat(),
        ],
    })
}

async fn run(receiver: &Receiver, store: Store, hanging: bool) -> Result<f64> {
    let endpoint = |id: &str, path: &str| {
        format!(
            "[[tenant.endpoint]]\nid = \"{id}\"\nurl = \"{}\"\nevents = [\"{id}.*\"]\n\
             secret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\nmax_in_flight = 2000\n",
            receiver.url(path)
        )
    };
    let tenants = format!(
        "[[tenant]]\nid = \"acme\"\n{}{}",
        endpoint("healthy", "/now"),
        endpoint("hanging", "/hang")
    );
    let setting = Setting::new(store, &tenants).await?;
    let sender = setting.start()?;
    let healthy = Batch {
        kind: |_| "healthy.x".into(),
        ..Batch::of(EVENTS)
    };
    // Numbered after those of the healthy endpoint, so that the two are not confused.
    let hung = Batch {
        kind: |_| "hanging.x".into(),
        from: 10 * EVENTS,
        to: 11 * EVENTS,
        ..healthy
    };
    let mut publisher = Publisher::to(&setting, &sender).await?;
    let mut other = Publisher::to(&setting, &sender).await?;
    let mut published = Vec::new();
    let mut ticks = tokio::time::interval(PERIOD);
    for number in 0..EVENTS {
        ticks.tick().await;
        published.push(std::time::Instant::now());
        publisher.publish(healthy, number).await?;
        if hanging {
            other.publish(hung, hung.from + number).await?;
        }
    }
    timeout(TIMEOUT, receiver.responded_below(EVENTS, EVENTS))
        .await
        .context("arrivals")?;
    let mut times = times(&published, &receiver.take());
    Ok(quantile(&mut times, 0.99))
}
