//! Fixtures: a stream in a dedicated `redis-server`, and intakes between it and a recording sink.

use std::sync::Arc;
use std::time::Duration;

use event_sources::redis_streams::{RedisStream, Settings};
use event_sources::{Intake, Source, Stats};
use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use redis_link::Address;
use test_support::redis::{Fsync, RedisServer};
use test_support::with_timeout;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use webhook_model::{Clock, Owner};

pub use crate::recorder::Recorder;

pub const STREAM: &str = "events";
pub const GROUP: &str = "webhook-sender";

/// A server with a stream.
pub struct World {
    pub server: RedisServer,
}

/// A running intake. Dropping it simulates a crash: the lease is not released.
pub struct Running {
    pub stats: Arc<Stats>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Running {
    pub async fn stop(mut self) {
        self.stop.cancel();
        with_timeout(&mut self.task, || "the intake to stop".into())
            .await
            .unwrap();
    }

    pub async fn crash(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

impl World {
    pub async fn new() -> Self {
        Self {
            server: RedisServer::start(Fsync::Always).await,
        }
    }

    pub fn settings(&self, owner: Owner) -> Settings {
        let address = Address::parse(&self.server.url()).unwrap();
        Settings::new("stream", address, STREAM, GROUP, owner)
    }

    pub fn intake(&self, name: &str, sink: &Arc<Recorder>) -> Running {
        self.intake_with(self.settings(Owner::this_process(name)), sink)
    }

    pub fn intake_with(&self, settings: Settings, sink: &Arc<Recorder>) -> Running {
        let source = RedisStream::new(settings, Clock::system());
        let (stats, stop) = (source.info().stats.clone(), CancellationToken::new());
        let intake = Intake::new(source, sink.clone());
        let token = stop.clone();
        let task = tokio::spawn(async move { intake.run(token).await });
        Running { stats, stop, task }
    }

    pub async fn connection(&self) -> MultiplexedConnection {
        let client = redis::Client::open(self.server.url()).unwrap();
        // Some commands take long.
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let connection = client.get_multiplexed_async_connection_with_config(&config);
        connection.await.unwrap()
    }

    /// Publishes a valid entry with its number as data. Returns its id.
    pub async fn publish(&self, number: usize) -> String {
        let data = number.to_string();
        self.add(&[
            ("tenant", b"acme"),
            ("type", b"a.b"),
            ("data", data.as_bytes()),
        ])
        .await
    }

    /// Publishes entries of a tenant. Returns their ids.
    pub async fn publish_for(&self, tenant: &str, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        for _ in 0..count {
            let fields = [
                ("tenant", tenant.as_bytes()),
                ("type", b"a.b"),
                ("data", b"1"),
            ];
            ids.push(self.add(&fields).await);
        }
        ids
    }

    /// Publishes `count` entries of a tenant in one call.
    pub async fn publish_many(&self, tenant: &str, count: usize) {
        let script = "for _ = 1, ARGV[2] do redis.call('XADD', KEYS[1], '*', 'tenant', ARGV[1], \
                      'type', 'a.b', 'data', '1') end";
        let mut command = redis::cmd("EVAL");
        command
            .arg(script)
            .arg(1)
            .arg(STREAM)
            .arg(tenant)
            .arg(count);
        let reply = command.query_async(&mut self.connection().await).await;
        let () = reply.unwrap();
    }

    pub async fn remove_stream(&self) {
        let mut command = redis::cmd("DEL");
        let removed = command.arg(STREAM);
        let removed: u64 = removed
            .query_async(&mut self.connection().await)
            .await
            .unwrap();
        assert_eq!(removed, 1);
    }

    pub async fn publish_all(&self, numbers: std::ops::Range<usize>) -> Vec<String> {
        let mut ids = Vec::new();
        for number in numbers {
            ids.push(self.publish(number).await);
        }
        ids
    }

    pub async fn add(&self, fields: &[(&str, &[u8])]) -> String {
        let mut command = redis::cmd("XADD");
        command.arg(STREAM).arg("*");
        for (name, value) in fields {
            command.arg(name).arg(value);
        }
        command
            .query_async(&mut self.connection().await)
            .await
            .unwrap()
    }

    /// Reads all new entries as a consumer of the group, without processing them.
    pub async fn take_as(&self, consumer: &str) {
        let mut connection = self.connection().await;
        let mut group = redis::cmd("XGROUP");
        group
            .arg("CREATE")
            .arg(STREAM)
            .arg(GROUP)
            .arg("0")
            .arg("MKSTREAM");
        let _: Result<String, _> = group.query_async(&mut connection).await;
        let mut read = redis::cmd("XREADGROUP");
        read.arg("GROUP")
            .arg(GROUP)
            .arg(consumer)
            .arg("STREAMS")
            .arg(STREAM)
            .arg(">");
        let _: redis::Value = read.query_async(&mut connection).await.unwrap();
    }

    /// Returns the number of pending entries.
    pub async fn pending(&self) -> usize {
        let mut command = redis::cmd("XPENDING");
        command.arg(STREAM).arg(GROUP);
        let mut connection = self.connection().await;
        let row: Vec<redis::Value> = command.query_async(&mut connection).await.unwrap();
        redis::from_redis_value(row[0].clone()).unwrap()
    }

    /// Waits until `count` entries were acknowledged.
    pub async fn acknowledged(&self, running: &Running, count: u64) {
        let reached = async {
            while running.stats.snapshot().acknowledged < count {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        with_timeout(reached, || {
            format!("{count} acknowledged: {:?}", running.stats)
        })
        .await;
    }
}
