//! A producer of Kafka.

use std::net::SocketAddr;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};

use crate::contract::entry::Entry;

/// The most bytes of a message.
const MAX_MESSAGE_BYTES: &str = "16777216";

/// Publishes entries in order, and waits until the broker has them. The key is the tenant.
pub async fn publish(address: SocketAddr, topic: &str, entries: &[Entry<'_>], partition: i32) {
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", address.to_string())
        .set("message.max.bytes", MAX_MESSAGE_BYTES)
        .set("message.timeout.ms", "60000")
        .create()
        .unwrap();
    for Entry { tenant, data, .. } in entries {
        let header = |key, value| Header {
            key,
            value: Some(value),
        };
        let headers = OwnedHeaders::new()
            .insert(header("tenant", *tenant))
            .insert(header("type", "a.b"));
        let record = FutureRecord::to(topic)
            .key(*tenant)
            .payload(*data)
            .headers(headers)
            .partition(partition);
        let sent = producer.send(record, Duration::from_secs(60));
        sent.await.unwrap();
    }
}
