//! Publishing many events, while processes are killed.

use std::time::Duration;

use test_support::redis::RedisServer;
use test_support::with_timeout;
use tokio::sync::watch;

use crate::sender::{Sender, Setting};

/// Returns the event's id.
pub fn id(number: usize) -> String {
    format!("evt_{number}")
}

/// Adds events to the stream, all at once.
pub async fn to_stream(redis: &RedisServer, numbers: std::ops::Range<usize>) {
    to_stream_of(redis, "acme", numbers).await;
}

/// Adds a tenant's events to the stream, all at once.
pub async fn to_stream_of(redis: &RedisServer, tenant: &str, numbers: std::ops::Range<usize>) {
    let client = redis::Client::open(redis.url()).expect("a url");
    // On a busy machine the server is slow.
    let config = redis::AsyncConnectionConfig::new().set_response_timeout(None);
    let mut connection = client
        .get_multiplexed_async_connection_with_config(&config)
        .await
        .expect("redis-server responds");
    for chunk in numbers.collect::<Vec<_>>().chunks(500) {
        let mut pipeline = redis::pipe();
        for number in chunk {
            pipeline
                .cmd("XADD")
                .arg("events")
                .arg("*")
                .arg(&[("tenant", tenant), ("type", "order.shipped")])
                .arg(&[
                    ("id", id(*number)),
                    ("data", format!("{{\"number\": {number}}}")),
                ])
                .ignore();
        }
        pipeline
            .exec_async(&mut connection)
            .await
            .expect("redis-server takes them");
    }
}

/// Publishes events on the stream if the setting has one, and otherwise through the API.
pub async fn publish(setting: &Setting, api: &Api, numbers: std::ops::Range<usize>) {
    match &setting.redis {
        Some(redis) => to_stream(redis, numbers).await,
        None => api.publish(numbers).await,
    }
}

/// The present address of the API, which changes with each start of the sender.
pub struct Api(watch::Sender<String>);

impl Api {
    pub fn of(sender: &Sender) -> Self {
        Self(watch::Sender::new(sender.api.clone()))
    }

    pub fn moved(&self, sender: &Sender) {
        self.0.send_replace(sender.api.clone());
    }

    /// Publishes events over eight connections. An event without a 202 response is published again, with
    /// the same id, when the API has moved or responds again.
    pub async fn publish(&self, numbers: std::ops::Range<usize>) {
        let next = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(numbers.start));
        let publishers = (0..8).map(|_| {
            let next = next.clone();
            let api = self.0.subscribe();
            async move {
                loop {
                    let number = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    if number >= numbers.end {
                        return;
                    }
                    let seen = || format!("event {number} to be taken");
                    with_timeout(until_taken(&api, number), seen).await;
                }
            }
        });
        futures::future::join_all(publishers).await;
    }
}

async fn until_taken(api: &watch::Receiver<String>, number: usize) {
    let body = format!(
        r#"{{"id": "{}", "type": "order.shipped", "data": {{"number": {number}}}}}"#,
        id(number)
    );
    loop {
        let url = format!("{}/v1/tenants/acme/events", api.borrow().as_str());
        let sent = test_support::Request::post(url)
            .json(body.clone())
            .try_send()
            .await;
        match sent {
            Ok(reply) if reply.status == 202 => return,
            Ok(reply) if reply.status != 503 => panic!("event {number}: {reply:?}"),
            // Killed: it responds again after a restart, probably on another port.
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}
