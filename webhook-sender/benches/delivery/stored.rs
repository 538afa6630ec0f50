//! The throughput with a million deliveries in the store, against that of an empty store.

use anyhow::Result;

use crate::BACKLOG;
use crate::backlog::{self, Run};
use crate::publish::Batch;
use crate::receiver::Receiver;
use crate::sender::{Setting, Store};
use crate::tables::Table;
use crate::workload::medians;

/// The number of deliveries that are stored first.
const STORED: usize = 1_000_000;

const ROUNDS: usize = 5;

pub async fn measure(receiver: &Receiver) -> Result<Table> {
    let full = setting(receiver).await?;
    for from in (0..STORED).step_by(BACKLOG) {
        deliver(receiver, &full, from).await?;
    }
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        let empty = setting(receiver).await?;
        let from = STORED + round * BACKLOG;
        // The order alternates, because the second run finds a warmer machine.
        let (empty, full) = if round % 2 == 0 {
            let empty = deliver(receiver, &empty, from).await?;
            (empty, deliver(receiver, &full, from).await?)
        } else {
            let full = deliver(receiver, &full, from).await?;
            (deliver(receiver, &empty, from).await?, full)
        };
        let (rate, cpu) = (full.rate / empty.rate, full.cpu / empty.cpu);
        rounds.push(vec![empty.rate, full.rate, rate, empty.cpu, full.cpu, cpu]);
    }
    let medians = medians(&rounds);
    let row = |name: &str, columns: std::ops::Range<usize>, digits: usize| {
        let cells = medians.get(columns).unwrap_or_default().iter();
        let cells = cells.enumerate().map(|(column, value)| {
            let digits = if column == 2 { 2 } else { digits };
            format!("{value:.digits$}")
        });
        [name.to_owned()].into_iter().chain(cells).collect()
    };
    Ok(Table {
        heading: "With a million deliveries in the store",
        note: "A backlog of 20,000 deliveries to one endpoint on SQLite, in a new file and in one with \
               1,000,000 finished deliveries, by turns. The medians of the rounds.",
        rows: vec![
            ["", "empty", "a million", "ratio"]
                .map(str::to_owned)
                .to_vec(),
            row("deliveries a second", 0..3, 0),
            row("CPU seconds per 1,000", 3..6, 3),
        ],
    })
}

async fn setting(receiver: &Receiver) -> Result<Setting> {
    let tenants = backlog::tenants(receiver, Store::Sqlite, "");
    Setting::new(Store::Sqlite, &tenants).await
}

/// Delivers a backlog of events that are numbered from `from` on.
async fn deliver(receiver: &Receiver, setting: &Setting, from: usize) -> Result<Run> {
    let batch = Batch {
        from,
        to: from + BACKLOG,
        ..Batch::of(BACKLOG)
    };
    backlog::run(receiver, setting, Store::Sqlite, batch).await
}
