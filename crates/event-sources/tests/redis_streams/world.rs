//! Fixtures: a stream in a dedicated `redis-server`, a sink that records entries, and intakes between
//! the two.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use event_sources::{Intake, Settings, Sink, SinkError, Stats, StreamEntry};
use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use redis_link::Address;
use test_support::redis::{Fsync, RedisServer};
use test_support::with_timeout;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use webhook_model::{Clock, Owner};

pub const STREAM: &str = "events";
pub const GROUP: &str = "webhook-sender";

/// Decides the result for an entry.
type Judge = Box<dyn Fn(&StreamEntry) -> Result<(), SinkError> + Send + Sync>;

/// A sink that records the entries it receives.
pub struct Recorder {
    room: watch::Sender<usize>,
    /// The number of calls of `capacity`.
    asked: watch::Sender<usize>,
    taken: watch::Sender<Vec<StreamEntry>>,
    /// The number of entries of each call of `take`.
    calls: Mutex<Vec<usize>>,
    judge: Mutex<Judge>,
    /// While true, calls of `take` do not return.
    held: watch::Sender<bool>,
}

impl Recorder {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            room: watch::Sender::new(1000),
            asked: watch::Sender::default(),
            taken: watch::Sender::default(),
            calls: Mutex::default(),
            judge: Mutex::new(Box::new(|_| Ok(()))),
            held: watch::Sender::new(false),
        })
    }

    pub fn set_room(&self, room: usize) {
        self.room.send_replace(room);
    }

    pub fn judge(
        &self,
        judge: impl Fn(&StreamEntry) -> Result<(), SinkError> + Send + Sync + 'static,
    ) {
        *self.judge.lock().unwrap() = Box::new(judge);
    }

    /// Waits for this many further calls of `capacity`.
    pub async fn asked(&self, times: usize) {
        let mut asked = self.asked.subscribe();
        let until = *asked.borrow_and_update() + times;
        let often = asked.wait_for(|asked| *asked >= until);
        let _asked = with_timeout(often, || format!("{times} calls of capacity")).await;
    }

    /// Blocks calls of `take` while `held` is true.
    pub fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// Returns the ids of a tenant's entries so far.
    pub fn ids_of(&self, tenant: &str) -> Vec<String> {
        let taken = self.taken.borrow();
        let theirs = |taken: &&StreamEntry| names(taken, tenant);
        taken
            .iter()
            .filter(theirs)
            .map(|one| one.id.clone())
            .collect()
    }

    /// Waits until `count` entries of a tenant have come.
    pub async fn taken_of(&self, tenant: &str, count: usize) {
        let mut taken = self.taken.subscribe();
        let theirs = |all: &Vec<StreamEntry>| all.iter().filter(|one| names(one, tenant)).count();
        let enough = taken.wait_for(|all| theirs(all) >= count);
        let seen = || {
            format!(
                "{count} entries of {tenant}; so far {:?}",
                self.ids_of(tenant)
            )
        };
        let _all = with_timeout(enough, seen).await.unwrap();
    }

    /// Returns the number of entries of each call so far.
    pub fn calls(&self) -> Vec<usize> {
        self.calls.lock().unwrap().clone()
    }

    /// Returns the ids of all entries so far, in order, including repeated ones.
    pub fn ids(&self) -> Vec<String> {
        self.taken
            .borrow()
            .iter()
            .map(|taken| taken.id.clone())
            .collect()
    }

    /// Waits until `count` entries have come, and returns all of them.
    pub async fn taken(&self, count: usize) -> Vec<StreamEntry> {
        let mut taken = self.taken.subscribe();
        let enough = taken.wait_for(|taken| taken.len() >= count);
        let seen = || format!("{count} entries; so far {:?}", self.ids());
        with_timeout(enough, seen).await.unwrap().clone()
    }
}

#[async_trait]
impl Sink for Recorder {
    async fn capacity(&self) -> usize {
        self.asked.send_modify(|asked| *asked += 1);
        let mut room = self.room.subscribe();
        let room = room.wait_for(|room| *room > 0).await.unwrap();
        *room
    }

    async fn take(&self, entries: Vec<StreamEntry>) -> Vec<Result<(), SinkError>> {
        self.calls.lock().unwrap().push(entries.len());
        let results = {
            let judge = self.judge.lock().unwrap();
            entries.iter().map(&**judge).collect()
        };
        self.taken.send_modify(|taken| taken.extend(entries));
        self.held.subscribe().wait_for(|held| !held).await.unwrap();
        results
    }
}

fn names(taken: &StreamEntry, tenant: &str) -> bool {
    taken
        .tenant
        .as_ref()
        .is_some_and(|it| it.as_str() == tenant)
}

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
            server: RedisServer::start(Fsync::EverySecond).await,
        }
    }

    pub fn settings(&self, owner: Owner) -> Settings {
        let address = Address::parse(&self.server.url()).unwrap();
        Settings::new(address, STREAM, GROUP, owner)
    }

    pub fn intake(&self, name: &str, sink: &Arc<Recorder>) -> Running {
        self.intake_with(self.settings(Owner::this_process(name)), sink)
    }

    pub fn intake_with(&self, settings: Settings, sink: &Arc<Recorder>) -> Running {
        let intake = Intake::new(settings, sink.clone(), Clock::system());
        let (stats, stop) = (intake.stats(), CancellationToken::new());
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
