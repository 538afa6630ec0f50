use std::sync::atomic::AtomicUsize;

use async_trait::async_trait;
use webhook_model::TenantId;

use super::*;
use crate::{Bounds, SinkError};

/// A source that panics when it is read for the first time, and then has one entry.
struct Broken {
    info: SourceInfo,
    reads: Arc<AtomicUsize>,
    released: Arc<AtomicUsize>,
}

fn entry() -> SourceEntry {
    let rejected = webhook_model::Rejected {
        id: "source_1".into(),
        tenant: None,
        source: webhook_model::Source::named("source"),
        at: webhook_model::Millis(1),
        code: "no-data".into(),
        reason: "no data".into(),
        fields: Vec::new(),
    };
    SourceEntry {
        id: "1".into(),
        derived: "source_1".into(),
        tenant: TenantId::parse("acme").ok(),
        redelivered: false,
        bytes: 1,
        content: Err(rejected),
    }
}

#[async_trait]
impl Source for Broken {
    async fn connect(&self) -> Result<Connected, SourceError> {
        Ok(Connected::Reading(CancellationToken::new()))
    }

    async fn next(&self, _: Room) -> Result<Read, SourceError> {
        match self.reads.fetch_add(1, Ordering::Relaxed) {
            0 => panic!("a fault of the source"),
            1 => Ok(Read::Entries(vec![entry()])),
            _ => {
                sleep(Duration::from_millis(1)).await;
                Ok(Read::Entries(Vec::new()))
            }
        }
    }

    async fn acknowledge(&self, ids: &[String]) -> Result<usize, SourceError> {
        Ok(ids.len())
    }

    async fn release(&self) -> Result<(), SourceError> {
        self.released.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn lag(&self) -> Result<Option<u64>, SourceError> {
        Ok(None)
    }

    async fn ping(&self) -> Result<(), SourceError> {
        Ok(())
    }

    fn info(&self) -> &SourceInfo {
        &self.info
    }
}

struct Taking(CancellationToken);

#[async_trait]
impl Sink for Taking {
    async fn capacity(&self) -> usize {
        100
    }

    async fn take(&self, entries: Vec<SourceEntry>) -> Vec<Result<(), SinkError>> {
        self.0.cancel();
        vec![Ok(()); entries.len()]
    }
}

#[tokio::test]
async fn a_panic_of_a_source_ends_its_session_and_not_its_intake() {
    let released = Arc::new(AtomicUsize::new(0));
    let source = Broken {
        info: SourceInfo::new("source", "nowhere", Bounds::default()),
        reads: Arc::default(),
        released: released.clone(),
    };
    let stop = CancellationToken::new();
    let intake = Intake::new(source, Arc::new(Taking(stop.clone())));
    let running = timeout(Duration::from_secs(60), intake.run(stop));
    running.await.expect("it takes the entry");
    let stats = intake.stats();
    assert_eq!((stats.failures, stats.acknowledged), (1, 1));
    assert_eq!(released.load(Ordering::Relaxed), 2);
}
