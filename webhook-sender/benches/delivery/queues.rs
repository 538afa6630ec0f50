//! A backlog in each kind of queue with SQLite as the store, and the rate at which the API accepts events.

use std::time::Instant;

use anyhow::{Context, Result};
use async_nats::jetstream;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{BasicProperties, Connection, ConnectionProperties};
use test_support::nats::NatsServer;
use test_support::rabbitmq::RabbitServer;
use test_support::redis::{Fsync, RedisServer};
use tokio::time::timeout;

use crate::BACKLOG;
use crate::backlog::tenants;
use crate::publish::{Batch, accept_over, add_to};
use crate::receiver::Receiver;
use crate::sender::{Setting, Store, TIMEOUT};
use crate::tables::Table;
use crate::workload::{data, id, medians};

const ROUNDS: usize = 3;

/// The connections of the publishers to the API.
const CONNECTIONS: usize = 50;

/// The queue, the stream and its subject.
const QUEUE: &str = "events";

enum Queue {
    Redis(RedisServer),
    Rabbit(RabbitServer),
    Nats(NatsServer),
}

const NAMES: [&str; 3] = ["Redis Streams", "RabbitMQ", "NATS JetStream"];

pub async fn measure(receiver: &Receiver) -> Result<Table> {
    let (mut rates, mut costs, mut accepted) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut rate = Vec::new();
        let mut cost = Vec::new();
        for at in 0..NAMES.len() {
            let (deliveries, cpu) = backlog(receiver, &Queue::filled(at).await?).await?;
            rate.push(deliveries);
            cost.push(cpu);
        }
        rates.push(rate);
        costs.push(cost);
        accepted.push(vec![acceptance(receiver).await?]);
    }
    let row = |name: &str, values: &[f64], digits: usize| {
        let cells = values.iter().map(|value| format!("{value:.digits$}"));
        std::iter::once(name.to_owned()).chain(cells).collect()
    };
    let head = std::iter::once("").chain(NAMES).map(str::to_owned);
    Ok(Table {
        heading: "A backlog of 20,000 messages in a queue, with SQLite as the store",
        note: "One tenant, one endpoint, messages of 1 KiB, which are in the queue when the sender starts. \
               The API accepts the events of fifty connections while the receiver withholds its \
               responses. The median of three rounds.",
        rows: vec![
            head.collect(),
            row("deliveries a second", &medians(&rates), 0),
            row("CPU seconds of the sender per 1,000", &medians(&costs), 3),
            row("events a second by `POST …/events`", &medians(&accepted), 0),
        ],
    })
}

/// Delivers the backlog. Returns the deliveries per second, from the first to the last arrival, and the CPU
/// seconds of the sender for 1,000 of them.
async fn backlog(receiver: &Receiver, queue: &Queue) -> Result<(f64, f64)> {
    let setting = Setting::new(Store::Sqlite, &tenants(receiver, Store::Redis, "")).await?;
    setting.add(&queue.source())?;
    let sender = setting.start()?;
    timeout(TIMEOUT, receiver.responded(BACKLOG))
        .await
        .with_context(|| format!("{} of {BACKLOG} arrived", receiver.count()))?;
    let cpu = sender.cpu()? * 1000.0 / BACKLOG as f64;
    let arrivals = receiver.take();
    let times = || arrivals.iter().map(|arrival| arrival.at);
    let (first, last) = times().min().zip(times().max()).context("arrivals")?;
    Ok((
        BACKLOG as f64 / last.duration_since(first).as_secs_f64(),
        cpu,
    ))
}

/// Returns the number of events that the API accepts per second.
async fn acceptance(receiver: &Receiver) -> Result<f64> {
    let setting = Setting::new(Store::Sqlite, &tenants(receiver, Store::Sqlite, "")).await?;
    let sender = setting.start()?;
    receiver.open(false);
    let began = Instant::now();
    accept_over(&sender, Batch::of(BACKLOG), CONNECTIONS).await?;
    let seconds = began.elapsed().as_secs_f64();
    receiver.open(true);
    timeout(TIMEOUT, receiver.responded(BACKLOG))
        .await
        .context("arrivals")?;
    receiver.take();
    Ok(BACKLOG as f64 / seconds)
}

impl Queue {
    /// Starts the server of this row of [`NAMES`], and fills its queue.
    async fn filled(at: usize) -> Result<Self> {
        Ok(match at {
            0 => {
                let server = RedisServer::start(Fsync::EverySecond).await;
                add_to(&server.url(), Batch::of(BACKLOG)).await?;
                Self::Redis(server)
            }
            1 => {
                let server = RabbitServer::start().await;
                fill_rabbit(&server.url()).await?;
                Self::Rabbit(server)
            }
            _ => {
                let server = NatsServer::start().await;
                fill_nats(&server.url()).await?;
                Self::Nats(server)
            }
        })
    }

    /// Returns the table of the source.
    fn source(&self) -> String {
        let (url, key) = match self {
            Self::Redis(server) => (server.url(), "stream"),
            Self::Rabbit(server) => (server.url(), "queue"),
            Self::Nats(server) => (server.url(), "stream"),
        };
        format!("[[source]]\nname = \"events\"\nurl = \"{url}\"\n{key} = \"{QUEUE}\"\n")
    }
}

async fn fill_rabbit(url: &str) -> Result<()> {
    let runtime = async_rs::TokioRuntime::tokio_current();
    let properties = ConnectionProperties::default();
    let connection = Connection::connect_with_runtime(url, properties, runtime).await?;
    let channel = connection.create_channel().await?;
    let durable = QueueDeclareOptions {
        durable: true,
        ..QueueDeclareOptions::default()
    };
    let arguments = FieldTable::default();
    channel
        .queue_declare(QUEUE.into(), durable, arguments)
        .await?;
    channel
        .confirm_select(ConfirmSelectOptions::default())
        .await?;
    let mut confirms = Vec::with_capacity(BACKLOG);
    for number in 0..BACKLOG {
        let mut headers = FieldTable::default();
        let id = id(number);
        for (name, text) in [("tenant", "acme"), ("type", "order.shipped"), ("id", &id)] {
            headers.insert(name.into(), AMQPValue::LongString(LongString::from(text)));
        }
        let properties = BasicProperties::default()
            .with_headers(headers)
            .with_delivery_mode(2);
        let (body, options) = (data(number), BasicPublishOptions::default());
        let sent = channel.basic_publish("".into(), QUEUE.into(), options, &body, properties);
        confirms.push(sent.await?);
    }
    for confirm in confirms {
        confirm.await?;
    }
    Ok(())
}

async fn fill_nats(url: &str) -> Result<()> {
    let context = jetstream::new(async_nats::connect(url).await?);
    let stream = jetstream::stream::Config {
        name: QUEUE.into(),
        subjects: vec![QUEUE.into()],
        ..jetstream::stream::Config::default()
    };
    context.create_stream(stream).await?;
    let mut confirms = Vec::with_capacity(BACKLOG);
    for number in 0..BACKLOG {
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("tenant", "acme");
        headers.insert("type", "order.shipped");
        headers.insert("id", id(number).as_str());
        let sent = context.publish_with_headers(QUEUE, headers, data(number));
        confirms.push(sent.await?);
        // The client limits the confirmations that are waited for.
        if confirms.len() == 1000 {
            for confirm in confirms.drain(..) {
                confirm.await?;
            }
        }
    }
    for confirm in confirms {
        confirm.await?;
    }
    Ok(())
}
