//! One firing at fifty consumers that each respond after a tenth of a second.

use std::time::{Duration, Instant};

use test_support::{App, Behaviour, Receiver, Request, Running, Runtime, components};

use crate::runtimes;
use crate::table::Table;

const CONSUMERS: usize = 50;
const RESPONSE_DELAY: Duration = Duration::from_millis(100);
const FIRINGS: usize = 10;

pub async fn measure() -> anyhow::Result<Table> {
    let mut table = Table::new(
        "`POST /fire` to 50 consumers that each respond in 100 ms",
        "From the request to its response; one after another they would take five seconds.",
        &["runtime", "median", "slowest of ten"],
    );
    for runtime in runtimes::all()? {
        let mut times = firings(&runtime).await?;
        times.sort();
        table.row(vec![
            runtime.name().to_owned(),
            millis(times[times.len() / 2]),
            millis(times[times.len() - 1]),
        ]);
    }
    Ok(table)
}

fn millis(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}

async fn firings(runtime: &Runtime) -> anyhow::Result<Vec<Duration>> {
    let receiver = Receiver::start().await;
    let producer = producer(runtime).await;
    register(&producer, &receiver).await?;
    let mut times = Vec::with_capacity(FIRINGS);
    for _ in 0..FIRINGS {
        let start = Instant::now();
        let response = Request::post(producer.url("/fire")).send().await;
        times.push(start.elapsed());
        let delivered = response.text().matches(r#""status":200"#).count();
        anyhow::ensure!(
            delivered == CONSUMERS,
            "some deliveries failed: {}",
            response.text()
        );
    }
    Ok(times)
}

async fn producer(runtime: &Runtime) -> Running {
    App::from(components::producer())
        .args([
            "--quiet",
            "--variable",
            "allow_private_hosts=true",
            "--sqlite",
        ])
        .args([format!("@{}", components::migrations().display())])
        .start(runtime)
        .await
}

async fn register(producer: &Running, receiver: &Receiver) -> anyhow::Result<()> {
    for consumer in 0..CONSUMERS {
        let path = format!("/consumer-{consumer}");
        receiver.on(&path, Behaviour::status(200));
        let body = format!(r#"{{"url": "{}", "event": "*"}}"#, receiver.url(&path));
        let response = Request::post(producer.url("/registrations"))
            .json(body)
            .send()
            .await;
        anyhow::ensure!(
            response.status == 201,
            "registration failed: {}",
            response.text()
        );
        receiver.on(&path, Behaviour::status(200).after(RESPONSE_DELAY));
    }
    Ok(())
}
