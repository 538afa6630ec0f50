//! The servers, and how entries are published to them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::pull;
use event_sources::{Bounds, Intake, Sink, Source, Stats, kafka, nats, rabbitmq, redis_streams};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{BasicProperties, Connection, ConnectionProperties};
use redis_link::Address;
use test_support::nats::NatsServer;
use test_support::postgres::{self, PostgresServer};
use test_support::rabbitmq::RabbitServer;
use test_support::redis::{Fsync, RedisServer};
use webhook_model::{Clock, Owner};

use crate::contract::mock_kafka::{self, MockKafka};
use crate::contract::outbox;

/// The delay of responses that stands for a frozen broker.
const FROZEN: Duration = Duration::from_secs(5);

/// The time without a heartbeat after which a killed reader of Kafka is replaced. A mock cluster takes three
/// seconds to form a group.
pub const KAFKA_SESSION: Duration = Duration::from_secs(6);

/// The consumer group, and the durable consumer.
const GROUP: &str = "group";

/// A kind of queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Redis,
    /// Redis by RESP3.
    Resp3,
    ClassicQueue,
    QuorumQueue,
    JetStream,
    Kafka,
    Outbox,
}

impl Kind {
    /// Returns whether entries that were read are counted by the server. If not, all that are found by a
    /// reader at its start count as read before.
    pub fn counts_reads(self) -> bool {
        self != Self::Outbox
    }

    /// Returns the code of the rejection of data that is not JSON.
    pub fn code_of_bad_data(self) -> &'static str {
        match self {
            // See `outbox::publish`.
            Self::Outbox => "bad-type",
            _ => "bad-data",
        }
    }
}

/// A server.
pub enum Broker {
    Redis(RedisServer),
    Rabbit(RabbitServer),
    Nats(NatsServer),
    Postgres(PostgresServer),
    Kafka(MockKafka),
}

/// An entry to publish. `id` identifies it at sources that give entries no identity of their own.
pub struct Entry<'a> {
    pub tenant: &'a str,
    pub id: String,
    pub data: &'a [u8],
}

macro_rules! each {
    ($broker:expr, $server:ident => $call:expr, kafka => $kafka:expr) => {
        match $broker {
            Broker::Redis($server) => $call,
            Broker::Rabbit($server) => $call,
            Broker::Nats($server) => $call,
            Broker::Postgres($server) => $call,
            Broker::Kafka($server) => $kafka,
        }
    };
}

impl Broker {
    pub async fn start(kind: Kind) -> Self {
        match kind {
            Kind::Redis | Kind::Resp3 => Self::Redis(RedisServer::start(Fsync::Always).await),
            Kind::ClassicQueue | Kind::QuorumQueue => Self::Rabbit(RabbitServer::start().await),
            Kind::JetStream => Self::Nats(
                NatsServer::start_with("max_payload: 16777216\nmax_pending: 67108864\n").await,
            ),
            Kind::Outbox => Self::Postgres(PostgresServer::start(postgres::Fsync::Off).await),
            Kind::Kafka => Self::Kafka(MockKafka::start()),
        }
    }

    pub fn address(&self) -> SocketAddr {
        each!(self, server => server.address(), kafka => server.address())
    }

    pub fn kill(&mut self) {
        each!(self, server => server.kill(), kafka => server.down());
    }

    pub fn stall(&self) {
        each!(self, server => server.stall(), kafka => server.delay(FROZEN));
    }

    pub fn unstall(&self) {
        each!(self, server => server.unstall(), kafka => server.delay(Duration::ZERO));
    }

    pub async fn restart(&mut self) {
        each!(self, server => server.restart().await, kafka => server.up());
    }

    /// Creates a queue that only the server itself can create.
    pub fn create(&self, queue: &str, partitions: usize) {
        if let Self::Kafka(server) = self {
            server.create_topic(queue, i32::try_from(partitions).unwrap());
        }
    }

    pub async fn restart_empty(&mut self) {
        match self {
            Self::Redis(server) => {
                server.kill();
                let files = server.folder().join("appendonlydir");
                std::fs::remove_dir_all(files).expect("the data of a server since version 7");
                server.restart().await;
            }
            Self::Rabbit(server) => server.restart_empty().await,
            Self::Nats(server) => server.restart_empty().await,
            Self::Postgres(server) => server.restart_empty().await,
            Self::Kafka(_) => unreachable!("a mock cluster cannot be emptied"),
        }
    }
}

/// A queue on a server.
#[derive(Clone)]
pub struct Queue {
    pub kind: Kind,
    pub address: SocketAddr,
    pub name: String,
}

impl Queue {
    /// Returns the URL of the server.
    pub fn url(&self) -> String {
        let scheme = match self.kind {
            Kind::Redis | Kind::Resp3 => "redis",
            Kind::ClassicQueue | Kind::QuorumQueue => "amqp",
            Kind::JetStream => "nats",
            Kind::Outbox => return outbox::url(self.address),
            Kind::Kafka => "kafka",
        };
        let query = match self.kind {
            Kind::Resp3 => "?protocol=resp3",
            _ => "",
        };
        format!("{scheme}://{}{query}", self.address)
    }

    /// Creates the queue. A Redis stream is created by its first entry, and a topic by [`Broker::create`].
    pub async fn declare(&self) {
        match self.kind {
            Kind::Redis | Kind::Resp3 | Kind::Kafka => {}
            Kind::Outbox => outbox::declare(self).await,
            Kind::ClassicQueue | Kind::QuorumQueue => {
                let mut arguments = FieldTable::default();
                if self.kind == Kind::QuorumQueue {
                    let quorum = AMQPValue::LongString(LongString::from("quorum"));
                    arguments.insert("x-queue-type".into(), quorum);
                }
                let connection = self.rabbit().await;
                let channel = connection.create_channel().await.unwrap();
                let durable = QueueDeclareOptions {
                    durable: true,
                    ..QueueDeclareOptions::default()
                };
                let name = self.name.as_str().into();
                channel
                    .queue_declare(name, durable, arguments)
                    .await
                    .unwrap();
            }
            Kind::JetStream => {
                let config = async_nats::jetstream::stream::Config {
                    name: self.name.clone(),
                    subjects: vec![self.name.clone()],
                    ..Default::default()
                };
                let context = self.jetstream().await;
                let stream = context.create_stream(config).await.unwrap();
                // A message of a killed process is delivered again after a second.
                let consumer = pull::Config {
                    durable_name: Some(GROUP.into()),
                    ack_wait: Duration::from_secs(1),
                    ..pull::Config::default()
                };
                stream.create_consumer(consumer).await.unwrap();
            }
        }
    }

    /// Publishes entries, and waits until the server has them on its disk.
    pub async fn publish(&self, entries: &[Entry<'_>]) {
        match self.kind {
            Kind::Redis | Kind::Resp3 => {
                let client = redis::Client::open(format!("redis://{}", self.address)).unwrap();
                let mut connection = client.get_multiplexed_async_connection().await.unwrap();
                for Entry { tenant, data, .. } in entries {
                    let mut command = redis::cmd("XADD");
                    command.arg(&self.name).arg("*").arg("tenant").arg(tenant);
                    command.arg("type").arg("a.b").arg("data").arg(*data);
                    let _: String = command.query_async(&mut connection).await.unwrap();
                }
            }
            Kind::ClassicQueue | Kind::QuorumQueue => self.publish_to_rabbit(entries).await,
            Kind::Outbox => outbox::publish(self, entries).await,
            Kind::Kafka => mock_kafka::publish(self.address, &self.name, entries, 0).await,
            Kind::JetStream => {
                let context = self.jetstream().await;
                for Entry { tenant, data, .. } in entries {
                    let mut headers = async_nats::HeaderMap::new();
                    headers.insert("tenant", *tenant);
                    headers.insert("type", "a.b");
                    let sent = context.publish_with_headers(
                        self.name.clone(),
                        headers,
                        data.to_vec().into(),
                    );
                    sent.await.unwrap().await.unwrap();
                }
            }
        }
    }

    /// Publishes an entry to a partition, where a queue has any.
    pub async fn publish_to(&self, partition: usize, entry: Entry<'_>) {
        if self.kind == Kind::Kafka {
            let partition = i32::try_from(partition).unwrap();
            return mock_kafka::publish(self.address, &self.name, &[entry], partition).await;
        }
        self.publish(&[entry]).await;
    }

    /// Publishes an entry whose id the publisher chooses, where it can do so.
    pub async fn publish_as(&self, id: &str, tenant: &str, data: &[u8]) {
        if matches!(self.kind, Kind::Redis | Kind::Resp3) {
            let client = redis::Client::open(format!("redis://{}", self.address)).unwrap();
            let mut connection = client.get_multiplexed_async_connection().await.unwrap();
            let mut command = redis::cmd("XADD");
            command.arg(&self.name).arg(id).arg("tenant").arg(tenant);
            command.arg("type").arg("a.b").arg("data").arg(data);
            let _: String = command.query_async(&mut connection).await.unwrap();
            return;
        }
        let id = id.to_owned();
        self.publish(&[Entry { tenant, id, data }]).await;
    }

    async fn publish_to_rabbit(&self, entries: &[Entry<'_>]) {
        let connection = self.rabbit().await;
        let channel = connection.create_channel().await.unwrap();
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await
            .unwrap();
        for Entry { tenant, id, data } in entries {
            let mut headers = FieldTable::default();
            let text = |text: &str| AMQPValue::LongString(LongString::from(text));
            headers.insert("tenant".into(), text(tenant));
            headers.insert("type".into(), text("a.b"));
            let properties = BasicProperties::default()
                .with_headers(headers)
                .with_message_id(id.as_str().into())
                .with_delivery_mode(2);
            let (exchange, queue) = ("".into(), self.name.as_str().into());
            let options = BasicPublishOptions::default();
            let sent = channel.basic_publish(exchange, queue, options, data, properties);
            sent.await.unwrap().await.unwrap();
        }
    }

    async fn rabbit(&self) -> Connection {
        let url = format!("amqp://{}", self.address);
        let runtime = async_rs::TokioRuntime::tokio_current();
        let properties = ConnectionProperties::default();
        Connection::connect_with_runtime(&url, properties, runtime)
            .await
            .unwrap()
    }

    async fn jetstream(&self) -> async_nats::jetstream::Context {
        let client = async_nats::connect(format!("nats://{}", self.address)).await;
        async_nats::jetstream::new(client.unwrap())
    }

    /// Creates an intake that reads the queue as the process `reader`, and its counters.
    pub fn intake(
        &self,
        reader: &str,
        source: &str,
        bounds: Bounds,
        sink: Arc<dyn Sink>,
    ) -> (Intake, Arc<Stats>) {
        fn of(source: impl Source, sink: Arc<dyn Sink>) -> (Intake, Arc<Stats>) {
            let stats = source.info().stats.clone();
            (Intake::new(source, sink), stats)
        }
        let (address, clock) = (self.address, Clock::system());
        match self.kind {
            Kind::Redis | Kind::Resp3 => {
                let address = Address::parse(&self.url()).unwrap();
                // On another host, a process cannot be checked for being alive.
                let owner = Owner {
                    host: format!("machine of {reader}"),
                    ..Owner::this_process(reader)
                };
                let settings = redis_streams::Settings {
                    bounds,
                    lease: Duration::from_secs(1),
                    ..redis_streams::Settings::new(source, address, &self.name, GROUP, owner)
                };
                of(redis_streams::RedisStream::new(settings, clock), sink)
            }
            Kind::ClassicQueue | Kind::QuorumQueue => {
                let address = rabbitmq::Address::parse(&format!("amqp://{address}")).unwrap();
                let settings = rabbitmq::Settings {
                    bounds,
                    ..rabbitmq::Settings::new(source, address, &self.name)
                };
                of(rabbitmq::RabbitQueue::new(settings, clock).unwrap(), sink)
            }
            Kind::JetStream => {
                let address = nats::Address::parse(&format!("nats://{address}")).unwrap();
                let settings = nats::Settings {
                    bounds,
                    ..nats::Settings::new(source, address, &self.name, GROUP)
                };
                of(nats::JetStream::new(settings, clock), sink)
            }
            Kind::Outbox => of(
                outbox::source(&self.url(), &self.name, source, bounds),
                sink,
            ),
            Kind::Kafka => {
                let address = kafka::Address::parse(&format!("kafka://{address}")).unwrap();
                let settings = kafka::Settings {
                    bounds,
                    session_timeout: KAFKA_SESSION,
                    ..kafka::Settings::new(source, address, vec![self.name.clone()], GROUP)
                };
                of(kafka::KafkaTopics::new(settings, clock), sink)
            }
        }
    }
}
