//! The metrics and the readiness of the sources, by their names.

use std::sync::{Arc, Mutex, PoisonError};

use event_sources::{Intake, Snapshot};
use futures::future::join_all;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use tokio::time::timeout;

use super::checks::{CHECK_TIMEOUT, with_timeout};

/// The sources of the sender, and their lags as they were read last.
pub struct Sources {
    intakes: Vec<Arc<Intake>>,
    /// One for each source, if its server reports it. Written by `read_lags`, read by the collector.
    lags: Arc<Mutex<Vec<Option<u64>>>>,
}

impl Sources {
    pub fn new(intakes: Vec<Arc<Intake>>) -> Self {
        let lags = vec![None; intakes.len()];
        Self {
            intakes,
            lags: Arc::new(Mutex::new(lags)),
        }
    }

    /// Returns a collector of the metrics of all sources.
    pub fn collector(&self) -> Box<dyn Collector> {
        let Self { intakes, lags } = self;
        Box::new(SourceMetrics {
            intakes: intakes.clone(),
            lags: lags.clone(),
        })
    }

    /// Checks that the server of each source responds.
    ///
    /// # Errors
    ///
    /// The first failure as text.
    pub async fn check(&self) -> Result<(), String> {
        let checked = join_all(self.intakes.iter().map(check)).await;
        checked.into_iter().collect()
    }

    /// Returns the name of a source that was unreachable at its last attempt to connect.
    pub fn unreachable(&self) -> Option<&str> {
        let cut_off = self.intakes.iter().find(|intake| !intake.stats().connected);
        cut_off.map(|intake| intake.name())
    }

    /// Reads the lags. Those that cannot be read keep their values.
    pub async fn read_lags(&self) {
        let read = join_all(self.intakes.iter().map(lag)).await;
        let mut lags = self.lags.lock().unwrap_or_else(PoisonError::into_inner);
        for (known, read) in lags.iter_mut().zip(read) {
            if let Some(lag) = read {
                *known = lag;
            }
        }
    }
}

/// Checks that the server of a source responds, and returns its failure as text.
async fn check(intake: &Arc<Intake>) -> Result<(), String> {
    let name = format!("source `{}`", intake.name());
    let ping = async {
        let checked = intake.ping().await;
        checked.map_err(|error| format!("{name}: {error}"))
    };
    with_timeout(&name, ping).await
}

/// Returns the lag of a source, or `None` if it cannot be read.
async fn lag(intake: &Arc<Intake>) -> Option<Option<u64>> {
    timeout(CHECK_TIMEOUT, intake.lag()).await.ok()?.ok()
}

/// A collector of the counters of the sources.
#[derive(Debug)]
struct SourceMetrics {
    intakes: Vec<Arc<Intake>>,
    lags: Arc<Mutex<Vec<Option<u64>>>>,
}

type Counted = fn(&Snapshot) -> u64;

/// Names, descriptions and values.
const COUNTERS: [(&str, &str, Counted); 5] = [
    (
        "source_entries_taken",
        "Entries read from the source",
        |seen| seen.taken,
    ),
    (
        "source_entries_rejected",
        "Entries rejected because they are no valid event",
        |seen| seen.rejected,
    ),
    (
        "source_entries_acknowledged",
        "Entries acknowledged",
        |seen| seen.acknowledged,
    ),
    (
        "source_entries_claimed",
        "Entries read again that were delivered before",
        |seen| seen.claimed,
    ),
    ("source_failures", "Read sessions that failed", |seen| {
        seen.failures
    }),
];

impl Collector for SourceMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        if self.intakes.is_empty() {
            return Ok(());
        }
        for (name, help, count) in COUNTERS {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for intake in &self.intakes {
                let labels = [("source", intake.name())];
                let counter = ConstCounter::new(count(&intake.stats()));
                counter.encode(family.encode_family(&labels)?)?;
            }
        }
        let lags = self.lags.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.intakes.iter().zip(lags.iter());
        // A lag that the server does not report is left out: zero would be wrong.
        let known = known.filter_map(|(intake, lag)| Some((intake.name(), (*lag)?)));
        encode_lags(&mut encoder, known)
    }
}

fn encode_lags<'a>(
    encoder: &mut DescriptorEncoder<'_>,
    lags: impl Iterator<Item = (&'a str, u64)>,
) -> Result<(), std::fmt::Error> {
    let mut lags = lags.peekable();
    if lags.peek().is_none() {
        return Ok(());
    }
    let help = "Entries of the source that no process has read yet";
    let mut family = encoder.encode_descriptor("source_lag", help, None, MetricType::Gauge)?;
    for (name, lag) in lags {
        let gauge = ConstGauge::new(i64::try_from(lag).unwrap_or(i64::MAX));
        gauge.encode(family.encode_family(&[("source", name)])?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    use super::*;

    #[derive(Debug)]
    struct Lags(Vec<(&'static str, u64)>);

    impl Collector for Lags {
        fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
            encode_lags(&mut encoder, self.0.iter().copied())
        }
    }

    fn text(lags: Vec<(&'static str, u64)>) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Lags(lags)));
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        text
    }

    #[test]
    fn a_lag_that_the_server_does_not_report_is_left_out() {
        let none = text(Vec::new());
        assert!(!none.contains("source_lag"), "{none}");
        let one = text(vec![("orders", 0)]);
        assert!(one.contains("source_lag{source=\"orders\"} 0\n"), "{one}");
    }
}
