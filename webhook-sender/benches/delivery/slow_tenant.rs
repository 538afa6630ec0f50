//! The effect on a quick tenant of one whose programs take a second for each event, both on one stream.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use test_support::redis::{Fsync, RedisServer};
use tokio::time::timeout;

use crate::for_each_store;
use crate::latency::times;
use crate::publish::{Batch, Publisher, get};
use crate::receiver::Receiver;
use crate::sender::{Sender, Setting, Store, TIMEOUT};
use crate::tables::Table;
use crate::workload::{medians, quantile};

/// 100 events per second.
const PERIOD: Duration = Duration::from_millis(10);
const EVENTS: usize = 1000;
const ROUNDS: usize = 3;

/// A slow event for as many quick ones: twice as many as are planned, so that some always wait.
const PER_SLOW_EVENT: usize = 50;

/// The number of the first slow event.
const FIRST_SLOW: usize = 10 * EVENTS;

/// The endpoints by which the time of one program is found out.
const SAMPLE: usize = 8;

/// The measurements of one run, each a row of the table.
struct Run {
    half: f64,
    most: f64,
    /// The seconds that one slow event takes.
    slow: f64,
    /// The slow events that wait at the end, and the entries that are left in the stream then.
    waiting: f64,
    lag: f64,
}

type Value = fn(&Run) -> f64;

pub async fn measure(receiver: &Receiver) -> Result<Table> {
    let programs = programs_of_a_second(receiver).await?;
    let (mut alones, mut besides) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alones.push(for_each_store(|store| run(receiver, store, programs, false)).await?);
        besides.push(for_each_store(|store| run(receiver, store, programs, true)).await?);
    }
    let value = |rounds: &[Vec<Run>], of: Value| {
        let rounds: Vec<Vec<f64>> = rounds
            .iter()
            .map(|round| round.iter().map(of).collect())
            .collect();
        medians(&rounds)
    };
    let row = |name: &str, values: Vec<f64>, digits: usize, unit: &str| {
        let cells = values.iter().map(|value| format!("{value:.digits$}{unit}"));
        std::iter::once(name.to_owned())
            .chain(cells)
            .collect::<Vec<_>>()
    };
    let mut rows = vec![Store::head()];
    let quantiles: [(&str, Value); 2] = [("p50", |run| run.half), ("p99", |run| run.most)];
    for (name, of) in quantiles {
        let (alone, beside) = (value(&alones, of), value(&besides, of));
        let ratio = alone
            .iter()
            .zip(&beside)
            .map(|(alone, beside)| beside / alone);
        rows.push(row(
            &format!("{name}, beside / alone"),
            ratio.collect(),
            2,
            "",
        ));
        rows.push(row(&format!("{name}, alone"), alone, 2, " ms"));
        rows.push(row(&format!("{name}, beside it"), beside, 2, " ms"));
    }
    rows.push(row(
        "one slow event",
        value(&besides, |run| run.slow),
        2,
        " s",
    ));
    rows.push(row(
        "slow events that wait at the end",
        value(&besides, |run| run.waiting),
        0,
        "",
    ));
    rows.push(row(
        "entries left in the stream then",
        value(&besides, |run| run.lag),
        0,
        "",
    ));
    Ok(Table {
        heading: "A quick tenant beside one whose programs take a second",
        note: "From publishing to arrival at the quick tenant, 100 events a second, and two a second for the \
               slow tenant, of which one is planned; all on one Redis stream. Each is filtered for many \
               endpoints, and transformed for one, which uses one core all the time. The median of three \
               rounds by turns.",
        rows,
    })
}

/// Returns the number of programs that take a second together.
async fn programs_of_a_second(receiver: &Receiver) -> Result<usize> {
    let setting = Setting::new(Store::Sqlite, &tenants(receiver, SAMPLE)).await?;
    let sender = setting.start()?;
    let mut publisher = Publisher::to(&setting, &sender).await?;
    let mut times = Vec::new();
    for number in FIRST_SLOW..FIRST_SLOW + 3 {
        times.push(plan_one(receiver, &mut publisher, number).await?);
    }
    let seconds = quantile(&mut times, 0.5);
    Ok((SAMPLE as f64 / seconds).ceil() as usize)
}

/// Publishes a slow event. Returns the seconds until its delivery has arrived.
async fn plan_one(receiver: &Receiver, publisher: &mut Publisher, number: usize) -> Result<f64> {
    let began = Instant::now();
    publisher.publish(slow(), number).await?;
    timeout(TIMEOUT, receiver.responded(1))
        .await
        .context("the delivery of a slow event")?;
    receiver.take();
    Ok(began.elapsed().as_secs_f64())
}

fn slow() -> Batch {
    Batch {
        tenant: |_| "slow".into(),
        ..Batch::of(0)
    }
}

/// Returns the tables of both tenants. The slow one has an endpoint for each program. All but the last reject
/// its events, because their deliveries would be a load of their own.
fn tenants(receiver: &Receiver, programs: usize) -> String {
    let endpoint = |id: &str, more: &str| {
        let url = receiver.url("/now");
        format!(
            "[[tenant.endpoint]]\nid = \"{id}\"\nurl = \"{url}\"\nevents = [\"*\"]\n\
             secret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\n{more}"
        )
    };
    let filter = format!("filter = \"!{}\"\n", long());
    let transform = format!("transform = \"{}\"\n", long());
    let slow = (1..=programs).map(|number| {
        let program = if number < programs {
            &filter
        } else {
            &transform
        };
        endpoint(&format!("e{number}"), program)
    });
    format!(
        "[[tenant]]\nid = \"acme\"\n{}[[tenant]]\nid = \"slow\"\n{}",
        endpoint("orders", ""),
        slow.collect::<String>()
    )
}

/// An expression of a hundred thousand steps.
fn long() -> String {
    let digits = "[0,1,2,3,4,5,6,7,8,9]";
    let all = |inner: String, name: &str| format!("{digits}.all({name}, {inner})");
    ["a", "b", "c", "d", "e"]
        .into_iter()
        .fold("true".to_owned(), all)
}

async fn run(receiver: &Receiver, store: Store, programs: usize, beside: bool) -> Result<Run> {
    let mut setting = Setting::new(store, &tenants(receiver, programs)).await?;
    if setting.redis.is_none() {
        let redis = RedisServer::start(Fsync::EverySecond).await;
        let source = format!("[[source]]\nname = \"events\"\nurl = \"{}\"\n", redis.url());
        setting.add(&source)?;
        // Its publishers use the stream.
        setting.redis = Some(redis);
    }
    let sender = setting.start()?;
    let mut publisher = Publisher::to(&setting, &sender).await?;
    let slow_seconds = if beside {
        plan_one(receiver, &mut publisher, FIRST_SLOW).await?
    } else {
        0.0
    };
    let published = publish(&mut publisher, beside).await?;
    timeout(TIMEOUT, receiver.responded_below(EVENTS, EVENTS))
        .await
        .context("arrivals")?;
    let mut times = times(&published, &receiver.take());
    let (waiting, lag) = backlog(&sender).await?;
    ensure!(
        !beside || waiting > 0.0,
        "no slow event waits: it shows nothing"
    );
    drop(sender);
    receiver.take();
    Ok(Run {
        half: quantile(&mut times, 0.5),
        most: quantile(&mut times, 0.99),
        slow: slow_seconds,
        waiting,
        lag,
    })
}

/// Publishes the quick events at an even rate, with slow ones between them if `beside`. Returns the time of each
/// quick one.
async fn publish(publisher: &mut Publisher, beside: bool) -> Result<Vec<Instant>> {
    let mut published = Vec::new();
    let mut ticks = tokio::time::interval(PERIOD);
    for number in 0..EVENTS {
        ticks.tick().await;
        published.push(Instant::now());
        publisher.publish(Batch::of(EVENTS), number).await?;
        if beside && number % PER_SLOW_EVENT == 0 {
            publisher.publish(slow(), FIRST_SLOW + 1 + number).await?;
        }
    }
    Ok(published)
}

/// Returns the number of events that wait to be planned, and that of entries that were not read.
async fn backlog(sender: &Sender) -> Result<(f64, f64)> {
    let metrics = get(sender, "/metrics").await?;
    let metrics = String::from_utf8_lossy(&metrics);
    let value = |name: &str| {
        let value = metrics.lines().find_map(|line| line.strip_prefix(name));
        let value = value.with_context(|| format!("no metric `{name}`"))?;
        anyhow::Ok(value.trim().parse::<f64>()?)
    };
    Ok((
        value("webhook_sender_accepted_events ")?,
        value("webhook_sender_source_lag{source=\"events\"} ")?,
    ))
}
