//! Events from RabbitMQ and NATS: real senders, killed while they read, beside a slow tenant, and several of
//! them on one queue.

use std::time::Duration;

use async_nats::jetstream;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{BasicProperties, Connection, ConnectionProperties};
use rand::RngExt;
use test_support::nats::NatsServer;
use test_support::rabbitmq::RabbitServer;
use test_support::with_timeout;

use crate::isolation::{endless, metric};
use crate::publisher::id;
use crate::receiver::Receiver;
use crate::sender::{SECRET, Sender, Setting, Store};

const EVENTS: usize = 1500;
const KILLS: usize = 10;
const IN_FLIGHT: usize = 32;
const TAKES: Duration = Duration::from_millis(2);

/// The queue, the stream and its subject.
const QUEUE: &str = "events";

enum Queue {
    Rabbit(RabbitServer),
    Nats(NatsServer),
}

impl Queue {
    async fn rabbit() -> Self {
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

    async fn nats() -> Self {
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

    /// Returns the table of the source.
    fn source(&self) -> String {
        let (url, key) = match self {
            Self::Rabbit(server) => (server.url(), "queue"),
            Self::Nats(server) => (server.url(), "stream"),
        };
        format!("[[source]]\nname = \"events\"\nurl = \"{url}\"\n{key} = \"{QUEUE}\"\n")
    }

    /// Publishes a tenant's events, and waits until the server has them.
    async fn publish(&self, tenant: &str, numbers: std::ops::Range<usize>) {
        let seen = || format!("events {numbers:?} of {tenant}");
        match self {
            Self::Rabbit(server) => {
                let sent = publish_to_rabbit(server, tenant, numbers.clone());
                with_timeout(sent, seen).await;
            }
            Self::Nats(server) => {
                let sent = publish_to_nats(server, tenant, numbers.clone());
                with_timeout(sent, seen).await;
            }
        }
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

async fn publish_to_rabbit(server: &RabbitServer, tenant: &str, numbers: std::ops::Range<usize>) {
    let connection = rabbit(server).await;
    let channel = connection.create_channel().await.unwrap();
    let confirm = ConfirmSelectOptions::default();
    channel.confirm_select(confirm).await.unwrap();
    let mut confirms = Vec::new();
    for number in numbers {
        let mut headers = FieldTable::default();
        for (name, text) in [
            ("tenant", tenant),
            ("type", "order.shipped"),
            ("id", &id(number)),
        ] {
            headers.insert(name.into(), AMQPValue::LongString(LongString::from(text)));
        }
        let properties = BasicProperties::default()
            .with_headers(headers)
            .with_delivery_mode(2);
        let (exchange, queue, data) = ("".into(), QUEUE.into(), number.to_string());
        let options = BasicPublishOptions::default();
        let sent = channel.basic_publish(exchange, queue, options, data.as_bytes(), properties);
        confirms.push(sent.await.unwrap());
    }
    for confirm in confirms {
        confirm.await.unwrap();
    }
}

async fn publish_to_nats(server: &NatsServer, tenant: &str, numbers: std::ops::Range<usize>) {
    let context = nats(server).await;
    let mut confirms = Vec::new();
    for number in numbers {
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("tenant", tenant);
        headers.insert("type", "order.shipped");
        headers.insert("id", id(number).as_str());
        let data = number.to_string().into();
        let sent = context.publish_with_headers(QUEUE, headers, data).await;
        confirms.push(sent.unwrap());
    }
    for confirm in confirms {
        confirm.await.unwrap();
    }
}

/// One endpoint that tries again soon and often.
fn config(address: std::net::SocketAddr, source: &str) -> String {
    let schedule = vec!["\"300ms\""; 60].join(", ");
    format!(
        "{source}[delivery]\nallow_http = true\nallow_networks = [\"127.0.0.0/8\"]\ntimeout = \"2s\"\n\
         lease = \"4s\"\nplaces = {IN_FLIGHT}\n[retry.often]\nschedule = [\"0s\", {schedule}]\n\
         [[tenant]]\nid = \"acme\"\n[[tenant.endpoint]]\nid = \"orders\"\n\
         url = \"http://{address}/hook\"\nevents = [\"*\"]\nsecret = \"{SECRET}\"\n\
         retry = \"often\"\nmax_in_flight = {IN_FLIGHT}\n"
    )
}

/// Waits until a metric has this value.
async fn until(sender: &Sender, name: &str, value: &str) {
    let reached = async {
        while metric(sender, name).await.as_deref() != Some(value) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    with_timeout(reached, || format!("{name}{value}")).await;
}

async fn a_sender_that_is_killed_ten_times_loses_nothing(queue: Queue) {
    let receiver = Receiver::start(TAKES).await;
    let setting = Setting::new(Store::Sqlite).await;
    setting.configure("sender", &config(receiver.address, &queue.source()));
    let mut sender = setting.start("sender");
    let part = EVENTS / KILLS;
    for kill in 0..KILLS {
        let from = kill * part;
        // Killed while it reads: some of its events are between the store and the acknowledgement.
        let moment = from + rand::rng().random_range(1..part - IN_FLIGHT);
        tokio::join!(
            queue.publish("acme", from..from + part),
            receiver.counts.reach(moment)
        );
        sender.kill();
        sender = setting.start("sender");
    }
    receiver.counts.reach(EVENTS).await;
    until(
        &sender,
        "webhook_sender_source_lag{source=\"events\"} ",
        "0",
    )
    .await;
    assert_eq!(receiver.counts.refused(), [""; 0]);
    assert_eq!(receiver.counts.different(), EVENTS);
    let duplicates = receiver.counts.duplicates();
    assert!(duplicates <= KILLS * IN_FLIGHT, "{duplicates} duplicates");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_of_rabbitmq_that_is_killed_ten_times_loses_nothing() {
    a_sender_that_is_killed_ten_times_loses_nothing(Queue::rabbit().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_of_nats_that_is_killed_ten_times_loses_nothing() {
    a_sender_that_is_killed_ten_times_loses_nothing(Queue::nats().await).await;
}

async fn a_tenant_whose_events_take_long_to_plan_leaves_none_in_the_queue(queue: Queue) {
    let receiver = Receiver::start(Duration::ZERO).await;
    let setting = Setting::new(Store::Sqlite).await;
    let mut text = config(receiver.address, &queue.source());
    text += "[[tenant]]\nid = \"slow\"\n";
    for number in 0..20 {
        text += &format!(
            "[[tenant.endpoint]]\nid = \"e{number}\"\nurl = \"http://{}/hook\"\nevents = [\"*\"]\n\
             secret = \"{SECRET}\"\nfilter = \"{}\"\n",
            receiver.address,
            endless()
        );
    }
    setting.configure("sender", &text);
    let sender = setting.start("sender");
    queue.publish("slow", 0..100).await;
    queue.publish("acme", 100..200).await;
    receiver.counts.reach(100).await;
    let acknowledged = "webhook_sender_source_entries_acknowledged_total{source=\"events\"} ";
    until(&sender, acknowledged, "200").await;
    until(
        &sender,
        "webhook_sender_source_lag{source=\"events\"} ",
        "0",
    )
    .await;
    let waiting = metric(&sender, "webhook_sender_accepted_events ").await;
    assert!(
        waiting.is_some_and(|waiting| waiting != "0"),
        "the slow ones are planned already: it shows nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_whose_events_take_long_to_plan_leaves_none_in_rabbitmq() {
    a_tenant_whose_events_take_long_to_plan_leaves_none_in_the_queue(Queue::rabbit().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_whose_events_take_long_to_plan_leaves_none_in_nats() {
    a_tenant_whose_events_take_long_to_plan_leaves_none_in_the_queue(Queue::nats().await).await;
}

async fn three_senders_share_a_queue_and_a_store(queue: Queue) {
    let receiver = Receiver::start(TAKES).await;
    let setting = Setting::new(Store::Postgres).await;
    let senders = ["one", "two", "three"].map(|name| {
        setting.configure(name, &config(receiver.address, &queue.source()));
        setting.start(name)
    });
    queue.publish("acme", 0..EVENTS).await;
    receiver.counts.reach(EVENTS).await;
    let [killed, left, _other] = senders;
    killed.kill();
    queue.publish("acme", EVENTS..2 * EVENTS).await;
    receiver.counts.reach(2 * EVENTS).await;
    until(&left, "webhook_sender_source_lag{source=\"events\"} ", "0").await;
    assert_eq!(receiver.counts.different(), 2 * EVENTS);
    let duplicates = receiver.counts.duplicates();
    assert!(duplicates <= IN_FLIGHT, "{duplicates} duplicates");
}

#[tokio::test(flavor = "multi_thread")]
async fn three_senders_share_a_queue_of_rabbitmq_and_a_store() {
    three_senders_share_a_queue_and_a_store(Queue::rabbit().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_senders_share_a_stream_of_nats_and_a_store() {
    three_senders_share_a_queue_and_a_store(Queue::nats().await).await;
}
