//! A queue of a scenario, its publisher, and the readers of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use event_sources::{Bounds, Stats};
use test_support::with_timeout;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::contract::broker::{Broker, Kind};
use crate::contract::entry::Entry;
use crate::contract::queue::Queue;
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
        let world = Self {
            broker,
            queue,
            bounds: Bounds::shared_by(1, MAX_DATA),
            published: AtomicUsize::new(0),
        };
        world.declare().await;
        world
    }

    /// Creates the queue, and waits until it survives the end of the server.
    pub async fn declare(&self) {
        self.declare_with(1).await;
    }

    /// Continues with another queue, which has these partitions if queues of the kind have any.
    pub async fn declare_partitions(&mut self, partitions: usize) {
        self.queue.name.push_str("-wide");
        self.declare_with(partitions).await;
    }

    async fn declare_with(&self, partitions: usize) {
        let name = &self.queue.name;
        self.broker.create(name, partitions);
        with_timeout(self.queue.declare(), || format!("queue `{name}`")).await;
        if let (Broker::Rabbit(server), Kind::QuorumQueue) = (&*self.broker, self.queue.kind) {
            server.has_recorded_quorum_queue(name).await;
        }
    }

    /// Publishes entries, and waits until the server has them.
    async fn send(&self, entries: &[Entry<'_>]) {
        let (count, name) = (entries.len(), &self.queue.name);
        let sent = self.queue.publish(entries);
        with_timeout(sent, || format!("{count} entries to reach `{name}`")).await;
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
        self.send(&entries.collect::<Vec<_>>()).await;
        data
    }

    /// Publishes an entry with this data.
    pub async fn publish_data(&self, tenant: &str, data: &[u8]) {
        let number = self.published.fetch_add(1, Ordering::Relaxed);
        let id = format!("{}-{number}", self.queue.name);
        self.send(&[Entry { tenant, id, data }]).await;
    }

    /// Publishes an entry to a partition, where the queue has any.
    pub async fn publish_to(&self, partition: usize, tenant: &str, data: &[u8]) {
        let number = self.published.fetch_add(1, Ordering::Relaxed);
        let id = format!("{}-{number}", self.queue.name);
        let sent = self.queue.publish_to(partition, Entry { tenant, id, data });
        with_timeout(sent, || format!("an entry to reach partition {partition}")).await;
    }

    /// Publishes an entry that has the same id in every queue.
    pub async fn publish_at_one_id(&self) {
        let sent = self.queue.publish_as("1-1", "acme", b"1");
        with_timeout(sent, || format!("an entry to reach `{}`", self.queue.name)).await;
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
