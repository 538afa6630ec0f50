//! A queue of a scenario, its publisher, and the readers of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use event_sources::{Bounds, Stats};
use test_support::with_timeout;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::contract::broker::{Broker, Entry, Kind, Queue};
use crate::recorder::Recorder;

/// The most bytes of an event's data in the scenarios.
pub const MAX_DATA: usize = 1000;

/// A queue of its own on a server.
pub struct World<'a> {
    pub broker: &'a mut Broker,
    pub queue: Queue,
    pub bounds: Bounds,
    /// The number of entries that were published.
    published: AtomicUsize,
}

/// A running intake. Dropping it simulates the end of its process by SIGKILL.
pub struct Running {
    pub stats: Arc<Stats>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl<'a> World<'a> {
    /// Creates a queue with the name of the scenario.
    pub async fn new(broker: &'a mut Broker, kind: Kind, scenario: &str) -> Self {
        let queue = Queue {
            kind,
            address: broker.address(),
            name: format!("{scenario}-{kind:?}"),
        };
        queue.declare().await;
        Self {
            broker,
            queue,
            bounds: Bounds::shared_by(1, MAX_DATA),
            published: AtomicUsize::new(0),
        }
    }

    /// Publishes this many entries of a tenant, whose data are their numbers. Returns the data.
    pub async fn publish(&self, tenant: &str, count: usize) -> Vec<String> {
        let first = self.published.fetch_add(count, Ordering::Relaxed);
        let data: Vec<String> = (first..first + count).map(|one| one.to_string()).collect();
        let entries = data.iter().map(|data| Entry {
            tenant,
            id: format!("{}-{data}", self.queue.name),
            data: data.as_bytes(),
        });
        self.queue.publish(&entries.collect::<Vec<_>>()).await;
        data
    }

    /// Publishes an entry with this data.
    pub async fn publish_data(&self, tenant: &str, data: &[u8]) {
        let number = self.published.fetch_add(1, Ordering::Relaxed);
        let id = format!("{}-{number}", self.queue.name);
        self.queue.publish(&[Entry { tenant, id, data }]).await;
    }

    /// Publishes an entry that has the same id in every queue.
    pub async fn publish_at_one_id(&self) {
        self.queue.publish_as("1-1", "acme", b"1").await;
    }

    /// Starts an intake of the process `reader`.
    pub fn intake(&self, reader: &str, sink: &Arc<Recorder>) -> Running {
        self.intake_at(self.queue.address, reader, "source", sink)
    }

    /// Starts an intake that connects to another address, under another name.
    pub fn intake_at(
        &self,
        address: SocketAddr,
        reader: &str,
        source: &str,
        sink: &Arc<Recorder>,
    ) -> Running {
        let queue = Queue {
            address,
            ..self.queue.clone()
        };
        let (intake, stats) = queue.intake(reader, source, self.bounds, sink.clone());
        let stop = CancellationToken::new();
        let token = stop.clone();
        let task = tokio::spawn(async move { intake.run(token).await });
        Running { stats, stop, task }
    }
}

impl Running {
    pub async fn stop(mut self) {
        self.stop.cancel();
        let stopped = with_timeout(&mut self.task, || "the intake to stop".into());
        stopped.await.unwrap();
    }

    pub async fn kill(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }

    /// Waits until `count` entries were acknowledged.
    pub async fn acknowledged(&self, count: usize) {
        let reached = async {
            while self.stats.snapshot().acknowledged < count as u64 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let seen = || format!("{count} acknowledged: {:?}", self.stats);
        with_timeout(reached, seen).await;
    }

    /// Waits until the session has failed this often.
    pub async fn failed(&self, times: u64) {
        let reached = async {
            while self.stats.snapshot().failures < times {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        with_timeout(reached, || format!("{times} failures: {:?}", self.stats)).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}
