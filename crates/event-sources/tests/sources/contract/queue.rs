//! Queues: how they are created, how entries are published to them, and how they are read.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::pull;
use event_sources::{Bounds, Intake, Sink, Source, Stats, kafka, nats, rabbitmq, redis_streams};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{BasicProperties, Connection, ConnectionProperties};
use redis_link::Address;
use webhook_model::{Clock, Owner};

use crate::contract::broker::Kind;
use crate::contract::entry::Entry;
use crate::contract::{kafka_client, outbox};

/// The time without a heartbeat after which a killed reader of Kafka is replaced. A mock cluster takes three
/// seconds to form a group, and would remove a member that waits for it for longer than this.
pub const KAFKA_SESSION: Duration = Duration::from_secs(4);

/// The consumer group, and the durable consumer.
const GROUP: &str = "group";

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
            Kind::Redis | Kind::Resp3 | Kind::Valkey => "redis",
            Kind::ClassicQueue | Kind::QuorumQueue => "amqp",
            Kind::JetStream => "nats",
            Kind::Outbox => return outbox::url(self.address),
            Kind::MockKafka | Kind::Tansu => "kafka",
        };
        let query = match self.kind {
            Kind::Resp3 => "?protocol=resp3",
            _ => "",
        };
        format!("{scheme}://{}{query}", self.address)
    }

    /// Creates the queue. A Redis stream is created by its first entry, and a topic by its broker.
    pub async fn declare(&self) {
        match self.kind {
            Kind::Redis | Kind::Resp3 | Kind::Valkey | Kind::MockKafka | Kind::Tansu => {}
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
            Kind::Redis | Kind::Resp3 | Kind::Valkey => {
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
            Kind::MockKafka | Kind::Tansu => {
                kafka_client::publish(self.address, &self.name, entries, 0).await;
            }
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
        if self.kind.is_kafka() {
            let partition = i32::try_from(partition).unwrap();
            return kafka_client::publish(self.address, &self.name, &[entry], partition).await;
        }
        self.publish(&[entry]).await;
    }

    /// Publishes an entry whose id the publisher chooses, where it can do so.
    pub async fn publish_as(&self, id: &str, tenant: &str, data: &[u8]) {
        if matches!(self.kind, Kind::Redis | Kind::Resp3 | Kind::Valkey) {
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
            Kind::Redis | Kind::Resp3 | Kind::Valkey => {
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
            Kind::MockKafka | Kind::Tansu => {
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
