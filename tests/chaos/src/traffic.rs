//! Steady traffic: publishers through the API, and one through the stream.

use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use test_support::Request;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::config::{STREAM, TENANT};
use crate::ledger::Ledger;

/// The number of publishers through the API. Each publishes one event at a time.
pub const PUBLISHERS: usize = 4;

/// The pause between two events of a publisher.
const PACE: Duration = Duration::from_millis(40);

/// The time limit for a response, after which the event is published again with the same id.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The pause before an event that was not accepted is published again.
const PAUSE: Duration = Duration::from_millis(50);

/// The URLs of the APIs of all running senders.
pub type Apis = watch::Receiver<Vec<String>>;

/// Running publishers. Dropping it ends them.
pub struct Traffic {
    stopping: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

/// A stream to publish to.
#[derive(Clone)]
pub struct Stream {
    /// The URL of its server.
    pub url: String,
    /// Set if events are published with an id of their own.
    pub with_ids: bool,
}

impl Traffic {
    pub fn start(ledger: &Arc<Ledger>, apis: &Apis, stream: Option<Stream>) -> Self {
        let (stopping, stop) = watch::channel(false);
        let mut tasks: Vec<_> = (0..PUBLISHERS)
            .map(|turn| {
                let publisher = Publisher {
                    ledger: ledger.clone(),
                    apis: apis.clone(),
                    stop: stop.clone(),
                    turn,
                };
                tokio::spawn(publisher.run())
            })
            .collect();
        if let Some(stream) = stream {
            tasks.push(tokio::spawn(publish_to(stream, ledger.clone(), stop)));
        }
        Self { stopping, tasks }
    }

    /// Stops the publishers after their current events.
    pub async fn stop(mut self) {
        self.stopping.send_replace(true);
        for task in self.tasks.drain(..) {
            let _ = task.await;
        }
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Returns the data of an event with `padding` bytes of text.
fn data(number: u64, padding: usize) -> String {
    format!(
        r#"{{"number": {number}, "text": "{}"}}"#,
        "x".repeat(padding)
    )
}

/// Returns the id of an event.
pub fn id(number: u64) -> String {
    format!("evt_{number}")
}

struct Publisher {
    ledger: Arc<Ledger>,
    apis: Apis,
    stop: watch::Receiver<bool>,
    /// The index of the sender for the next event.
    turn: usize,
}

impl Publisher {
    async fn run(mut self) {
        let mut ticks = ticks();
        while !*self.stop.borrow() {
            ticks.tick().await;
            let number = self.ledger.begin();
            self.until_accepted(number).await;
        }
    }

    /// Publishes an event until it is accepted, or until traffic stops.
    async fn until_accepted(&mut self, number: u64) {
        while !*self.stop.borrow() {
            if let Some(api) = self.api()
                && publish(&api, number).await
            {
                return self.ledger.accepted(number, None);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn api(&mut self) -> Option<String> {
        let apis = self.apis.borrow();
        self.turn += 1;
        let count = apis.len().max(1);
        apis.get(self.turn % count).cloned()
    }
}

/// Publishes an event once. Returns `true` if it was accepted.
async fn publish(api: &str, number: u64) -> bool {
    let url = format!("{api}/v1/tenants/{TENANT}/events");
    let (id, data) = (id(number), data(number, 0));
    let body = format!(r#"{{"id": "{id}", "type": "order.shipped", "data": {data}}}"#);
    let sent = Request::post(url).json(body).try_send();
    matches!(timeout(TIMEOUT, sent).await, Ok(Ok(reply)) if reply.status == 202)
}

async fn publish_to(stream: Stream, ledger: Arc<Ledger>, stop: watch::Receiver<bool>) {
    let mut connection = None;
    let mut ticks = ticks();
    while !*stop.borrow() {
        ticks.tick().await;
        if connection.is_none() {
            connection = connect(&stream.url, TIMEOUT).await;
        }
        let Some(open) = &mut connection else {
            continue;
        };
        let number = ledger.begin();
        match add(open, &stream, number, 0).await {
            // Without a reply, the entry may be on the stream, and a second entry would be a second
            // event: it is not published again.
            Err(error) if !is_refusal(&error) => connection = None,
            Err(_) => {}
            Ok(entry) => ledger.accepted(number, Some(entry)),
        }
    }
}

/// Returns `true` if the server itself responded with an error, and therefore does not have the entry.
fn is_refusal(error: &redis::RedisError) -> bool {
    error.code().is_some()
}

/// Connects to a server within a time limit, which also applies to commands.
pub async fn connect(url: &str, limit: Duration) -> Option<MultiplexedConnection> {
    let client = redis::Client::open(url).ok()?;
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(limit))
        .set_response_timeout(Some(limit));
    let connecting = client.get_multiplexed_async_connection_with_config(&config);
    timeout(limit, connecting).await.ok()?.ok()
}

/// Adds an event to a stream, and returns the id of its entry.
pub async fn add(
    connection: &mut MultiplexedConnection,
    stream: &Stream,
    number: u64,
    padding: usize,
) -> redis::RedisResult<String> {
    let mut command = redis::cmd("XADD");
    command
        .arg(&[STREAM, "*", "tenant", TENANT, "type", "order.shipped"])
        .arg(&["data", &data(number, padding)]);
    if stream.with_ids {
        command.arg(&["id", &id(number)]);
    }
    command.query_async(connection).await
}

fn ticks() -> tokio::time::Interval {
    let mut ticks = interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Waits until `done` returns `true`. Returns `false` after `limit`.
pub async fn wait_until(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    while !done() {
        if Instant::now() > deadline {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    true
}
