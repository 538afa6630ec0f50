//! A reader in a process of its own: with an environment of its own, and with a memory that can be measured.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use event_sources::{Bounds, Intake, Sink, SinkError, Source, SourceEntry};
use event_sources::{kafka, nats, rabbitmq, redis_streams};
use redis_link::Address;
use test_support::with_timeout;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;
use webhook_model::{Clock, Owner};

use crate::contract::outbox;
use crate::contract::queue::KAFKA_SESSION;

/// The variables that name the source, the number of entries to read, and the bound on their data.
const URL: &str = "TEST_SOURCE_URL";
const QUEUE: &str = "TEST_SOURCE_QUEUE";
const COUNT: &str = "TEST_SOURCE_COUNT";
const MAX_DATA: &str = "TEST_SOURCE_MAX_DATA";

/// The starts of the lines that report the peak memory of the process and the entries that it rejected.
const PEAK: &str = "peak memory in KiB: ";
const REJECTED: &str = "rejected entries: ";

/// A reader to be run.
pub struct Reader<'a> {
    pub url: &'a str,
    pub queue: &'a str,
    pub count: usize,
    pub max_data: usize,
    pub environment: &'a [(&'a str, String)],
}

/// The result of a process.
pub struct Ended {
    pub passed: bool,
    pub output: String,
}

impl Ended {
    /// Returns the peak memory in bytes.
    pub fn peak_bytes(&self) -> usize {
        self.number(PEAK) * 1024
    }

    /// Returns the number of entries that were rejected.
    pub fn rejected(&self) -> usize {
        self.number(REJECTED)
    }

    fn number(&self, name: &str) -> usize {
        let line = self.output.lines().find_map(|line| line.strip_prefix(name));
        line.expect(name).parse().expect("a number")
    }
}

impl Reader<'_> {
    /// Runs the process until it has read the entries.
    pub async fn run(&self) -> Ended {
        let program = std::env::current_exe().unwrap();
        let reading = Command::new(program)
            .args([
                "--exact",
                "--ignored",
                "--nocapture",
                "contract::process::read",
            ])
            .env(URL, self.url)
            .env(QUEUE, self.queue)
            .env(COUNT, self.count.to_string())
            .env(MAX_DATA, self.max_data.to_string())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = with_timeout(reading, || format!("entries of {}", self.queue));
        let output = output.await.unwrap();
        let text = [output.stdout, output.stderr].concat();
        Ended {
            passed: output.status.success(),
            output: String::from_utf8_lossy(&text).into_owned(),
        }
    }
}

/// The time for which the store is out of reach at first: the source reads as far ahead as it may.
const OUTAGE: Duration = Duration::from_secs(2);

/// A store that is slower than the source. It keeps the ids of entries, and whether they are valid: an entry
/// may come again.
#[derive(Default)]
struct SlowStore(Mutex<HashMap<String, bool>>);

impl SlowStore {
    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    fn rejected(&self) -> usize {
        let entries = self.0.lock().unwrap();
        entries.values().filter(|valid| !**valid).count()
    }
}

#[async_trait]
impl Sink for SlowStore {
    async fn capacity(&self) -> usize {
        1000
    }

    async fn take(&self, entries: Vec<SourceEntry>) -> Vec<Result<(), SinkError>> {
        let pause = if self.count() == 0 {
            OUTAGE
        } else {
            Duration::from_millis(20)
        };
        tokio::time::sleep(pause).await;
        let results = vec![Ok(()); entries.len()];
        let ids = entries.into_iter();
        let ids = ids.map(|entry| (entry.derived, entry.content.is_ok()));
        self.0.lock().unwrap().extend(ids);
        results
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is missing"))
}

fn source(url: &str, queue: &str, bounds: Bounds) -> Box<dyn FnOnce(Arc<dyn Sink>) -> Intake> {
    fn of(source: impl Source) -> Box<dyn FnOnce(Arc<dyn Sink>) -> Intake> {
        Box::new(|sink| Intake::new(source, sink))
    }
    let clock = Clock::system();
    if url.starts_with("redis:") {
        let (address, owner) = (Address::parse(url).unwrap(), Owner::this_process("a"));
        let settings = redis_streams::Settings {
            bounds: bounds.a_quarter(),
            ..redis_streams::Settings::new("source", address, queue, "group", owner)
        };
        of(redis_streams::RedisStream::new(settings, clock))
    } else if url.starts_with("amqp") {
        let settings = rabbitmq::Settings {
            bounds,
            ..rabbitmq::Settings::new("source", rabbitmq::Address::parse(url).unwrap(), queue)
        };
        of(rabbitmq::RabbitQueue::new(settings, clock).unwrap())
    } else if url.starts_with("postgres") {
        of(outbox::source(url, queue, "source", bounds.a_quarter()))
    } else if url.starts_with("kafka") {
        let address = kafka::Address::parse(url).unwrap();
        let settings = kafka::Settings {
            bounds: bounds.a_quarter(),
            session_timeout: KAFKA_SESSION,
            ..kafka::Settings::new("source", address, vec![queue.into()], "group")
        };
        of(kafka::KafkaTopics::new(settings, clock))
    } else {
        let address = nats::Address::parse(url).unwrap();
        let settings = nats::Settings {
            bounds,
            ..nats::Settings::new("source", address, queue, "group")
        };
        of(nats::JetStream::new(settings, clock))
    }
}

/// Reads the entries of the source in the environment, and reports its peak memory. Other tests run it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "the process of other tests"]
async fn read() {
    let number = |name| variable(name).parse::<usize>().unwrap();
    let (count, bounds) = (number(COUNT), Bounds::shared_by(1, number(MAX_DATA)));
    let store = Arc::new(SlowStore::default());
    let intake = source(&variable(URL), &variable(QUEUE), bounds)(store.clone());
    let (intake, stop) = (Arc::new(intake), CancellationToken::new());
    let running = tokio::spawn({
        let (intake, stop) = (intake.clone(), stop.clone());
        async move { intake.run(stop).await }
    });
    let read = async {
        while store.count() < count || intake.stats().acknowledged < count as u64 {
            // A failure to connect has its reason here.
            if let Err(error) = intake.ping().await {
                eprintln!("{error}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    with_timeout(read, || format!("{count} entries: {:?}", intake.stats())).await;
    stop.cancel();
    running.await.unwrap();
    assert_eq!(store.count(), count);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    println!("\n{PEAK}{}", kib.unwrap_or("0"));
    println!("{REJECTED}{}", store.rejected());
}
