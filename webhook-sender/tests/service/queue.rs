//! A queue of each kind, on its own server, and its publisher.

use std::ops::Range;
use std::process::Command;
use std::time::Duration;

use async_nats::jetstream;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{BasicProperties, Connection, ConnectionProperties};
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use test_support::nats::NatsServer;
use test_support::postgres::{self, PostgresServer};
use test_support::rabbitmq::RabbitServer;
use test_support::redis::{Fsync, RedisServer};
use test_support::tansu::TansuServer;
use test_support::with_timeout;

use crate::publisher::id;
use crate::sender::SENDER;

/// The queue, the stream and its subject, or the topic.
const QUEUE: &str = "events";

/// The partitions of a topic.
const PARTITIONS: usize = 3;

pub enum Queue {
    Redis(RedisServer),
    Rabbit(RabbitServer),
    Nats(NatsServer),
    Kafka(TansuServer),
    Outbox(PostgresServer),
}

/// Events of a tenant to publish, with these numbers as their data. Those with the same number modulo `keys`
/// have the same ordering key; without `keys`, none has a key.
#[derive(Clone)]
pub struct Events<'a> {
    pub tenant: &'a str,
    pub keys: Option<usize>,
    pub numbers: Range<usize>,
}

/// An event to publish.
struct Event<'a> {
    tenant: &'a str,
    key: Option<String>,
    id: String,
    data: String,
}

impl<'a> Events<'a> {
    pub fn of(tenant: &'a str, numbers: Range<usize>) -> Self {
        Self {
            tenant,
            keys: None,
            numbers,
        }
    }

    fn each(self) -> impl Iterator<Item = Event<'a>> {
        self.numbers.map(move |number| Event {
            tenant: self.tenant,
            key: self.keys.map(|keys| format!("key {}", number % keys)),
            id: id(number),
            data: number.to_string(),
        })
    }
}

impl Event<'_> {
    /// Returns the headers of a message.
    fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            ("tenant", Some(self.tenant)),
            ("type", Some("order.shipped")),
            ("id", Some(self.id.as_str())),
            ("ordering_key", self.key.as_deref()),
        ];
        all.into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
    }
}

impl Queue {
    pub async fn redis() -> Self {
        Self::Redis(RedisServer::start(Fsync::Always).await)
    }

    pub async fn rabbit() -> Self {
        let server = RabbitServer::start().await;
        let channel = rabbit(&server).await.create_channel().await.unwrap();
        let durable = QueueDeclareOptions {
            durable: true,
            ..QueueDeclareOptions::default()
        };
        let declared = channel.queue_declare(QUEUE.into(), durable, FieldTable::default());
        declared.await.unwrap();
        Self::Rabbit(server)
    }

    pub async fn nats() -> Self {
        let server = NatsServer::start().await;
        let config = jetstream::stream::Config {
            name: QUEUE.into(),
            subjects: vec![QUEUE.into()],
            ..Default::default()
        };
        let stream = nats(&server).await.create_stream(config).await.unwrap();
        // A message of a killed sender is delivered again after a second.
        let consumer = jetstream::consumer::pull::Config {
            durable_name: Some("webhook-sender".into()),
            ack_wait: Duration::from_secs(1),
            ..Default::default()
        };
        stream.create_consumer(consumer).await.unwrap();
        Self::Nats(server)
    }

    pub async fn kafka() -> Self {
        let server = TansuServer::start().await;
        server.create_topic(QUEUE, PARTITIONS);
        Self::Kafka(server)
    }

    pub async fn outbox() -> Self {
        let server = PostgresServer::start(postgres::Fsync::Off).await;
        let ddl = Command::new(SENDER).args(["outbox", "ddl"]).output();
        server.sql(std::str::from_utf8(&ddl.unwrap().stdout).unwrap());
        Self::Outbox(server)
    }

    /// Returns the table of the source.
    pub fn source(&self) -> String {
        let queue = |key| format!("{key} = \"{QUEUE}\"\n");
        let (url, key) = match self {
            Self::Redis(server) => (server.url(), queue("stream")),
            Self::Rabbit(server) => (server.url(), queue("queue")),
            Self::Nats(server) => (server.url(), queue("stream")),
            Self::Kafka(server) => (server.url(), format!("topics = [\"{QUEUE}\"]\n")),
            Self::Outbox(server) => (server.url(), String::new()),
        };
        format!("[[source]]\nname = \"events\"\nurl = \"{url}\"\n{key}")
    }

    /// Publishes events, and waits until the server has them.
    pub async fn publish(&self, events: Events<'_>) {
        let (tenant, numbers) = (events.tenant.to_owned(), events.numbers.clone());
        let sent = async {
            match self {
                Self::Redis(server) => publish_to_redis(server, events).await,
                Self::Rabbit(server) => publish_to_rabbit(server, events).await,
                Self::Nats(server) => publish_to_nats(server, events).await,
                Self::Kafka(server) => publish_to_kafka(server, events).await,
                Self::Outbox(server) => insert(server, events),
            }
        };
        with_timeout(sent, || format!("events {numbers:?} of {tenant}")).await;
    }
}

async fn rabbit(server: &RabbitServer) -> Connection {
    let runtime = async_rs::TokioRuntime::tokio_current();
    let properties = ConnectionProperties::default();
    let url = server.url();
    let connected = Connection::connect_with_runtime(&url, properties, runtime);
    connected.await.unwrap()
}

async fn nats(server: &NatsServer) -> jetstream::Context {
    jetstream::new(async_nats::connect(server.url()).await.unwrap())
}

async fn publish_to_redis(server: &RedisServer, events: Events<'_>) {
    let client = redis::Client::open(server.url()).unwrap();
    // On a busy machine the server is slow.
    let config = redis::AsyncConnectionConfig::new().set_response_timeout(None);
    let connected = client.get_multiplexed_async_connection_with_config(&config);
    let mut connection = connected.await.unwrap();
    let mut pipeline = redis::pipe();
    for event in events.each() {
        let add = pipeline.cmd("XADD").arg(QUEUE).arg("*");
        for (name, value) in event.headers() {
            add.arg(name).arg(value);
        }
        add.arg("data").arg(&event.data).ignore();
    }
    pipeline.exec_async(&mut connection).await.unwrap();
}

async fn publish_to_rabbit(server: &RabbitServer, events: Events<'_>) {
    let connection = rabbit(server).await;
    let channel = connection.create_channel().await.unwrap();
    let confirm = ConfirmSelectOptions::default();
    channel.confirm_select(confirm).await.unwrap();
    let mut confirms = Vec::new();
    for event in events.each() {
        let mut headers = FieldTable::default();
        for (name, value) in event.headers() {
            headers.insert(name.into(), AMQPValue::LongString(LongString::from(value)));
        }
        let properties = BasicProperties::default()
            .with_headers(headers)
            .with_delivery_mode(2);
        let (exchange, queue, data) = ("".into(), QUEUE.into(), event.data.as_bytes());
        let options = BasicPublishOptions::default();
        let sent = channel.basic_publish(exchange, queue, options, data, properties);
        confirms.push(sent.await.unwrap());
    }
    for confirm in confirms {
        confirm.await.unwrap();
    }
}

async fn publish_to_nats(server: &NatsServer, events: Events<'_>) {
    let context = nats(server).await;
    let mut confirms = Vec::new();
    for event in events.each() {
        let mut headers = async_nats::HeaderMap::new();
        for (name, value) in event.headers() {
            headers.insert(name, value);
        }
        let sent = context.publish_with_headers(QUEUE, headers, event.data.into());
        confirms.push(sent.await.unwrap());
    }
    for confirm in confirms {
        confirm.await.unwrap();
    }
}

/// Publishes to the partition of the key, or to the first one. The key of a message is the ordering key.
async fn publish_to_kafka(server: &TansuServer, events: Events<'_>) {
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", server.address().to_string())
        // Tansu counts the messages of a batch as one when it reports the end of a partition.
        .set("batch.num.messages", "1")
        .create()
        .unwrap();
    let mut sent = Vec::new();
    for (event, number) in events.clone().each().zip(events.numbers) {
        let mut headers = OwnedHeaders::new();
        for (key, value) in event.headers().filter(|(name, _)| *name != "ordering_key") {
            let value = Some(value);
            headers = headers.insert(Header { key, value });
        }
        let partition = events.keys.map_or(0, |keys| number % keys % PARTITIONS);
        let record = FutureRecord::to(QUEUE)
            .key(event.key.as_deref().unwrap_or_default())
            .payload(&event.data)
            .headers(headers)
            .partition(i32::try_from(partition).unwrap());
        let accepted = producer.send_result(record).map_err(|(error, _)| error);
        sent.push(accepted.unwrap());
    }
    for one in sent {
        one.await.unwrap().unwrap();
    }
}

/// Inserts rows in one transaction.
fn insert(server: &PostgresServer, events: Events<'_>) {
    let row = |event: Event<'_>| {
        let key = event.key.map_or("NULL".into(), |key| format!("'{key}'"));
        let Event {
            tenant, id, data, ..
        } = event;
        format!("('{tenant}', 'order.shipped', '{data}', '{id}', {key})")
    };
    let rows: Vec<String> = events.each().map(row).collect();
    let columns = "tenant, type, data, event_id, ordering_key";
    let rows = rows.join(", ");
    server.sql(&format!(
        "INSERT INTO webhook_outbox ({columns}) VALUES {rows}"
    ));
}
