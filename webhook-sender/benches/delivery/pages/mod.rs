//! The time of every page and every list with a million deliveries in the store, while it delivers, and
//! the weight of a page.

mod routes;
mod seed;
mod weight;

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::future::try_join_all;
use routes::Route;
use tokio::time::{MissedTickBehavior, timeout};

use crate::for_each_store;
use crate::latency::publish_evenly;
use crate::publish::{Batch, Reader};
use crate::receiver::Receiver;
use crate::sender::{Sender, Setting, Store, TIMEOUT};
use crate::tables::Table;
use crate::workload::quantile;

/// The time in which a page should be there, in milliseconds.
const BAR_MS: f64 = 50.0;

/// Each publishes events at this period: together 1,000 a second.
const PUBLISHERS: usize = 20;
const PERIOD: Duration = Duration::from_millis(20);

/// The requests of each address, which follow one another at this pace.
const ROUNDS: usize = 40;
const PACE: Duration = Duration::from_millis(20);

/// The results of one store.
struct Run {
    routes: Vec<Route>,
    /// The milliseconds of the requests of each address.
    times: Vec<Vec<f64>>,
    /// The deliveries of a second meanwhile.
    rate: f64,
    /// The bytes of a first visit of each page.
    weights: Vec<usize>,
}

pub async fn measure(receiver: &Receiver) -> Result<[Table; 2]> {
    let runs = for_each_store(|store| run(receiver, store)).await?;
    Ok([time_table(&runs), weight_table(&runs)])
}

async fn run(receiver: &Receiver, store: Store) -> Result<Run> {
    let setting = Setting::new(store, &seed::tenants(receiver)).await?;
    // The first start creates the tenants.
    setting.start()?.kill()?;
    seed::fill(&setting, store).await?;
    let sender = setting.start()?;
    let routes = routes::all(&sender).await?;
    let mut weights = Vec::new();
    for page in routes.iter().filter(|route| route.is_page()) {
        weights.push(weight::of_first_visit(&sender, &page.path).await?);
    }
    let requests = routes.len() * ROUNDS;
    let events = requests * PACE.as_millis() as usize * PUBLISHERS / PERIOD.as_millis() as usize;
    let began = Instant::now();
    let publishing = publish(&setting, &sender, events);
    let (_, times) = tokio::try_join!(publishing, request_all(&sender, &routes))?;
    let responded = timeout(TIMEOUT, receiver.responded(events)).await;
    responded.with_context(|| format!("{} of {events} arrived", receiver.count()))?;
    let last = receiver.take().iter().map(|arrival| arrival.at).max();
    let took = last.context("arrivals")?.duration_since(began);
    Ok(Run {
        rate: events as f64 / took.as_secs_f64(),
        routes,
        times,
        weights,
    })
}

/// Publishes events evenly over connections that take turns.
async fn publish(setting: &Setting, sender: &Sender, events: usize) -> Result<()> {
    let each = events / PUBLISHERS;
    let publishers = (0..PUBLISHERS).map(|publisher| async move {
        tokio::time::sleep(PERIOD / PUBLISHERS as u32 * publisher as u32).await;
        let from = publisher * each;
        let to = from + each;
        let batch = Batch {
            from,
            to,
            ..Batch::of(events)
        };
        publish_evenly(setting, sender, batch, PERIOD).await
    });
    try_join_all(publishers).await.map(drop)
}

/// Requests all addresses in turn. Returns the milliseconds of each.
async fn request_all(sender: &Sender, routes: &[Route]) -> Result<Vec<Vec<f64>>> {
    let mut reader = Reader::to(sender).await?;
    let mut times = vec![Vec::with_capacity(ROUNDS); routes.len()];
    let mut ticks = tokio::time::interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for _ in 0..ROUNDS {
        for (route, times) in routes.iter().zip(&mut times) {
            ticks.tick().await;
            let start = Instant::now();
            reader.get(&route.path).await?;
            times.push(start.elapsed().as_secs_f64() * 1000.0);
        }
    }
    Ok(times)
}

fn time_table(runs: &[Run]) -> Table {
    let row = |name: String, cell: &dyn Fn(&Run) -> String| {
        let cells = runs.iter().map(cell);
        std::iter::once(name).chain(cells).collect()
    };
    let names = runs.first().map(|run| &run.routes[..]).unwrap_or_default();
    let mut rows = vec![Store::head()];
    for (at, route) in names.iter().enumerate() {
        rows.push(row(format!("`{}`", route.name), &|run| {
            let times = &run.times[at];
            format!("{:.1}, {:.1}", at_part(times, 0.5), at_part(times, 0.99))
        }));
    }
    let slowest = |run: &Run| {
        let p99s = run.times.iter().map(|times| at_part(times, 0.99));
        format!("{:.1}", p99s.fold(0.0, f64::max))
    };
    let of_all = |run: &Run| format!("{:.1}", at_part(&run.times.concat(), 0.99));
    let bar = format!("the slowest p99 (at most {BAR_MS} ms)");
    rows.push(row(bar, &slowest));
    rows.push(row("p99 of all requests".into(), &of_all));
    rows.push(row("deliveries a second meanwhile".into(), &|run| {
        format!("{:.0}", run.rate)
    }));
    Table {
        heading: "Every page and list with 1,000,000 deliveries in the store",
        note: "p50 and p99 in milliseconds, from the request to the whole response, over one connection \
               at 50 requests a second, while 1,000 events a second are published and delivered. Four \
               tenants with four endpoints each, one of which has failed; every attempt has its \
               request and response.",
        rows,
    }
}

fn weight_table(runs: &[Run]) -> Table {
    let mut rows = vec![vec![String::new(), "KiB".to_owned()]];
    if let Some(run) = runs.first() {
        let pages = run.routes.iter().filter(|route| route.is_page());
        rows.extend(pages.zip(&run.weights).map(|(page, bytes)| {
            let kib = *bytes as f64 / 1024.0;
            vec![format!("`{}`", page.name), format!("{kib:.1}")]
        }));
    }
    Table {
        heading: "The weight of a page",
        note: "The bytes of a first visit: the page, and every file that it loads, as they are sent to a \
               browser, without the heads of responses. At most 100 KiB. No page loads anything from \
               elsewhere: the measurement fails if one does.",
        rows,
    }
}

fn at_part(times: &[f64], part: f64) -> f64 {
    quantile(&mut times.to_vec(), part)
}
