//! The throughput with a million deliveries in the store, against that of an empty store, and the growth
//! of a store whose deliveries are deleted soon.

use anyhow::{Context, Result};

use crate::BACKLOG;
use crate::backlog::{self, Run};
use crate::publish::Batch;
use crate::receiver::Receiver;
use crate::sender::{Setting, Store};
use crate::tables::Table;
use crate::workload::medians;

/// The number of deliveries that are stored first, or that pass through the store.
const STORED: usize = 1_000_000;

const ROUNDS: usize = 5;

/// The backlogs whose median rate is the first or the last one of the store.
const PART: usize = 10;

pub async fn measure(receiver: &Receiver) -> Result<[Table; 2]> {
    Ok([
        full_against_empty(receiver, Store::Sqlite).await?,
        full_against_empty(receiver, Store::Postgres).await?,
    ])
}

async fn full_against_empty(receiver: &Receiver, store: Store) -> Result<Table> {
    let full = setting(receiver, store).await?;
    for from in (0..STORED).step_by(BACKLOG) {
        deliver(receiver, &full, store, from).await?;
    }
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        let empty = setting(receiver, store).await?;
        let from = STORED + round * BACKLOG;
        // The order alternates, because the second run finds a warmer machine.
        let (empty, full) = if round % 2 == 0 {
            let empty = deliver(receiver, &empty, store, from).await?;
            (empty, deliver(receiver, &full, store, from).await?)
        } else {
            let full = deliver(receiver, &full, store, from).await?;
            (deliver(receiver, &empty, store, from).await?, full)
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
        note: "A backlog of 20,000 deliveries to one endpoint, in a new store and in one with 1,000,000 \
               finished deliveries, by turns. The medians of the rounds.",
        rows: vec![
            [store.name(), "empty", "a million", "ratio"]
                .map(str::to_owned)
                .to_vec(),
            row("deliveries a second", 0..3, 0),
            row("CPU seconds per 1,000", 3..6, 3),
        ],
    })
}

/// Delivers a million events while the deliveries of earlier ones are deleted.
pub async fn measure_growth(receiver: &Receiver) -> Result<Table> {
    let setting = setting(receiver, Store::Postgres).await?;
    setting.add("[retention]\nsucceeded = \"1s\"\n")?;
    let (mut rates, mut sizes) = (Vec::new(), Vec::new());
    for from in (0..STORED).step_by(BACKLOG) {
        let run = deliver(receiver, &setting, Store::Postgres, from).await?;
        rates.push(vec![run.rate]);
        sizes.push(vec![size(&setting)?]);
    }
    let ends = |values: &[Vec<f64>]| -> Result<[f64; 2]> {
        let first = values.get(..PART).context("backlogs")?;
        let last = values.get(values.len() - PART..).context("backlogs")?;
        Ok([first, last].map(|part| medians(part).first().copied().unwrap_or(f64::NAN)))
    };
    let row = |name: &str, [first, last]: [f64; 2]| {
        let cells = [format!("{first:.0}"), format!("{last:.0}")];
        let ratio = format!("{:.2}", last / first);
        [vec![name.to_owned()], cells.to_vec(), vec![ratio]].concat()
    };
    Ok(Table {
        heading: "A million deliveries that are deleted soon",
        note: "Backlogs of 20,000 deliveries, one after another; each deletes those of the earlier ones, \
               which are kept for a second. Not their events, whose ids stay known for a while. The \
               medians of the first and of the last ten backlogs.",
        rows: vec![
            ["PostgreSQL", "first 200,000", "last 200,000", "ratio"]
                .map(str::to_owned)
                .to_vec(),
            row("deliveries a second", ends(&rates)?),
            row("size of deliveries and attempts, MiB", ends(&sizes)?),
        ],
    })
}

/// Returns the size of the tables of deliveries and attempts, with their indexes, in MiB.
fn size(setting: &Setting) -> Result<f64> {
    let server = setting.postgres.as_ref().context("PostgreSQL")?;
    let bytes = server.sql(
        "SELECT sum(pg_total_relation_size(relid)) FROM pg_stat_user_tables
         WHERE schemaname = 'webhook_sender' AND relname IN ('deliveries', 'attempts', 'bodies')",
    );
    Ok(bytes.trim().parse::<f64>()? / f64::from(1 << 20))
}

async fn setting(receiver: &Receiver, store: Store) -> Result<Setting> {
    let tenants = backlog::tenants(receiver, store, "");
    Setting::new(store, &tenants).await
}

/// Delivers a backlog of events that are numbered from `from` on.
async fn deliver(receiver: &Receiver, setting: &Setting, store: Store, from: usize) -> Result<Run> {
    let batch = Batch {
        from,
        to: from + BACKLOG,
        ..Batch::of(BACKLOG)
    };
    backlog::run(receiver, setting, store, batch).await
}
