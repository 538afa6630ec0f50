//! The readiness and the metrics of the sender.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use event_sources::Intake;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use tokio::time::Instant;
use webhook_model::Clock;
use webhook_store::{Queries, Store, StoreError, Tenants};

use super::checks::with_timeout;
use super::logging::dropped_lines;
use super::source_metrics::Sources;
use crate::api::Status;
use crate::metrics::Metrics;
use crate::plan::BacklogStats;

/// The prefix of every metric's name.
const PREFIX: &str = "webhook_sender";

/// The time for which a result is cached, because each check costs the store work.
const CACHED_FOR: Duration = Duration::from_secs(1);

/// Metrics of the queue are cached for this many times as long as their queries took, so that a long
/// queue does not keep the store busy.
const IDLE_FACTOR: u32 = 20;

/// The readiness and the metrics of a sender.
pub struct Overview {
    tenants: Arc<dyn Tenants>,
    queries: Arc<dyn Queries>,
    sources: Sources,
    clock: Clock,
    registry: Registry,
    accepted: Gauge<i64, AtomicI64>,
    pending: Gauge<i64, AtomicI64>,
    in_flight: Gauge<i64, AtomicI64>,
    dead: Gauge<i64, AtomicI64>,
    oldest: Gauge<f64, AtomicU64>,
    published: Counter,
    /// The time and the result of the last check. Locked for the duration of a check, so that
    /// concurrent requests share its result.
    fault: tokio::sync::Mutex<Option<(Instant, Option<String>)>>,
    /// The metrics as they were rendered last, and the end of their validity. Locked like `fault`.
    written: tokio::sync::Mutex<Option<(Instant, Bytes)>>,
}

impl Overview {
    pub fn new(
        store: &Arc<dyn Store>,
        intakes: Vec<Arc<Intake>>,
        backlog: Arc<BacklogStats>,
        metrics: &Metrics,
        clock: Clock,
    ) -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        metrics.register(&mut registry);
        let (pending, in_flight, dead) = (Gauge::default(), Gauge::default(), Gauge::default());
        let (oldest, published) = (Gauge::default(), Counter::default());
        let events = "Events accepted by the API";
        registry.register("published_events", events, published.clone());
        registry.register_collector(Box::new(DroppedLines));
        let sources = Sources::new(intakes);
        registry.register_collector(sources.collector());
        registry.register_collector(Box::new(Poison(backlog)));
        let accepted = Gauge::default();
        let unplanned = "Events that are accepted and not planned yet";
        registry.register("accepted_events", unplanned, accepted.clone());
        let waiting = "Deliveries that wait for their next attempt";
        registry.register("pending_deliveries", waiting, pending.clone());
        let under_way = "Deliveries claimed by a sender under its lease";
        registry.register("in_flight_deliveries", under_way, in_flight.clone());
        let given_up = "Dead letters: dead deliveries and rejected events";
        registry.register("dead_letters", given_up, dead.clone());
        let age = "Time since the oldest due delivery became due";
        registry.register_with_unit("oldest_due_age", age, Unit::Seconds, oldest.clone());
        Self {
            tenants: store.clone(),
            queries: store.clone(),
            sources,
            clock,
            registry,
            accepted,
            pending,
            in_flight,
            dead,
            oldest,
            published,
            fault: tokio::sync::Mutex::default(),
            written: tokio::sync::Mutex::default(),
        }
    }

    /// Returns what is wrong with the store or a source, checked at most once per [`CACHED_FOR`].
    async fn fault(&self) -> Option<String> {
        let mut known = self.fault.lock().await;
        if let Some((at, fault)) = &*known
            && at.elapsed() < CACHED_FOR
        {
            return fault.clone();
        }
        let (store, sources) = tokio::join!(
            with_timeout("the store", self.check_store()),
            self.sources.check(),
        );
        let fault = store.and(sources).err();
        *known = Some((Instant::now(), fault.clone()));
        fault
    }

    async fn check_store(&self) -> Result<(), StoreError> {
        self.queries.ping().await?;
        let identity = self.tenants.identity().await?;
        identity.map(drop).ok_or(StoreError::ContentLost)
    }

    fn write(&self) -> Bytes {
        let mut text = String::new();
        if let Err(error) = encode(&mut text, &self.registry) {
            tracing::error!(%error, "metrics not rendered");
        }
        text.into()
    }

    /// Updates the gauges of the queue and the sources. Gauges that cannot be read keep their values.
    async fn update_gauges(&self) {
        let now = self.clock.now();
        match self.queries.depth(now).await {
            Ok(depth) => {
                let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
                self.accepted.set(count(depth.accepted));
                self.pending.set(count(depth.pending));
                self.in_flight.set(count(depth.in_flight));
                self.dead.set(count(depth.dead));
                let age = depth
                    .oldest_due
                    .map_or(0.0, |due| now.since(due).as_secs_f64());
                self.oldest.set(age);
            }
            Err(error) => tracing::warn!(%error, "queue metrics not read"),
        }
        self.sources.read_lags().await;
    }
}

/// A collector of dropped log lines.
#[derive(Debug)]
struct DroppedLines;

impl Collector for DroppedLines {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let counter = ConstCounter::new(dropped_lines());
        let kind = counter.metric_type();
        let help = "Log lines that could not be written";
        counter.encode(encoder.encode_descriptor("log_lines_dropped", help, None, kind)?)
    }
}

/// A collector of the events that were rejected because their planning never completed.
#[derive(Debug)]
struct Poison(Arc<BacklogStats>);

impl Collector for Poison {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let counter = ConstCounter::new(self.0.poison());
        let kind = counter.metric_type();
        let help = "Events rejected because their planning never completed";
        counter.encode(encoder.encode_descriptor("poison_events", help, None, kind)?)
    }
}

#[async_trait]
impl Status for Overview {
    async fn unready(&self) -> Option<String> {
        if let Some(fault) = self.fault().await {
            return Some(fault);
        }
        let unreachable = self.sources.unreachable();
        unreachable.map(|name| format!("source `{name}` is unreachable"))
    }

    fn published(&self) {
        self.published.inc();
    }

    async fn metrics(&self) -> Bytes {
        let mut written = self.written.lock().await;
        let began = Instant::now();
        if let Some((until, text)) = &*written
            && began < *until
        {
            return text.clone();
        }
        self.update_gauges().await;
        let text = self.write();
        let holds = CACHED_FOR.max(began.elapsed() * IDLE_FACTOR);
        *written = Some((Instant::now() + holds, text.clone()));
        text
    }
}
