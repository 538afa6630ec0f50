//! The time to list the newest deliveries of a store that contains many, while it delivers.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::time::timeout;

use crate::latency::publish_evenly;
use crate::publish::{Batch, get};
use crate::receiver::Receiver;
use crate::sender::{Setting, Store, TIMEOUT};
use crate::tables::Table;
use crate::workload::quantile;

const DELIVERIES: usize = 1_000_000;
const EVENTS: usize = 1000;
const PERIOD: Duration = Duration::from_millis(10);
const LIST: &str = "/v1/tenants/acme/deliveries?limit=50";

/// Fills the tables with deliveries that succeeded an hour ago, each with its attempt.
const FILL: [&str; 4] = [
    "INSERT INTO webhook_sender.events (at, kept_at, tenant, id, kind, data, source)
     SELECT t.at, t.at, tenants.key, 'old_' || n, 'order.shipped', convert_to('{}', 'UTF8'), 'api'
     FROM webhook_sender.tenants, generate_series(1, COUNT) n,
         (SELECT extract(epoch FROM now())::bigint * 1000 - 3600000 AS at) t",
    "INSERT INTO webhook_sender.deliveries
         (event, at, created_at, endpoint, tenant, attempts, id, state)
     SELECT e.key, e.at, e.at, p.key, e.tenant, 1, gen_random_uuid(), 3
     FROM webhook_sender.events e, webhook_sender.endpoints p",
    "INSERT INTO webhook_sender.attempts
         (event, at, claim, duration_ms, endpoint, number, status)
     SELECT event, at, event, 5, endpoint, 1, 200 FROM webhook_sender.deliveries",
    "VACUUM ANALYZE webhook_sender.events, webhook_sender.deliveries, webhook_sender.attempts",
];

pub async fn measure(receiver: &Receiver) -> Result<Table> {
    let url = receiver.url("/now");
    let tenants = format!(
        "[[tenant]]\nid = \"acme\"\n[[tenant.endpoint]]\nid = \"orders\"\nurl = \"{url}\"\n\
         events = [\"*\"]\nsecret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\n"
    );
    let setting = Setting::new(Store::Postgres, &tenants).await?;
    // The first start creates the tables.
    setting.start()?.kill()?;
    let server = setting.postgres.as_ref().context("a server")?;
    for statement in FILL {
        server.sql(&statement.replace("COUNT", &DELIVERIES.to_string()));
    }
    let sender = setting.start()?;
    let publishing = publish_evenly(&setting, &sender, Batch::of(EVENTS), PERIOD);
    let listing = async {
        let mut times = Vec::new();
        let began = Instant::now();
        while began.elapsed() < PERIOD * EVENTS as u32 {
            let start = Instant::now();
            get(&sender, LIST).await?;
            times.push(start.elapsed().as_secs_f64() * 1000.0);
            tokio::time::sleep(PERIOD).await;
        }
        anyhow::Ok(times)
    };
    let (_, mut times) = tokio::try_join!(publishing, listing)?;
    let responded = timeout(TIMEOUT, receiver.responded(EVENTS)).await;
    responded.context("arrivals")?;
    receiver.take();
    let cell = |part, times: &mut Vec<f64>| format!("{:.2} ms", quantile(times, part));
    Ok(Table {
        heading: "Listing the newest 50 of 1,000,000 deliveries, while 100 a second are delivered",
        note: "From the request to the whole response of the API. The million deliveries were written \
               with SQL and have small bodies.",
        rows: vec![
            vec![String::new(), Store::Postgres.name().into()],
            vec!["p50".into(), cell(0.5, &mut times)],
            vec!["p99".into(), cell(0.99, &mut times)],
        ],
    })
}
